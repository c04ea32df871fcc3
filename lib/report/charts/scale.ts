/** Where values lie along an axis, and which of them are written beside it. */
export interface Scale {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

/** From zero to a round number over the largest value. */
export function linearScale(values: readonly number[], [from, to]: readonly [number, number]): Scale {
  const most = Math.max(0, ...values) || 1;
  const step = roundStep(most / 5);
  const end = Math.ceil(most / step - 1e-9) * step;
  return {
    place: (value) => from + ((to - from) * value) / end,
    ticks: Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step),
  };
}

/** From the smallest value to the largest; equal ratios are equal lengths. @param values - all over zero */
export function logScale(
  values: readonly number[],
  [from, to]: readonly [number, number],
  ticks: readonly number[] = powersOfTen(values),
): Scale {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const range = Math.log(most / least) || 1;
  return {
    place: (value) => from + ((to - from) * Math.log(value / least)) / range,
    ticks: ticks.filter((tick) => tick >= least && tick <= most),
  };
}

function powersOfTen(values: readonly number[]): number[] {
  const first = Math.ceil(Math.log10(Math.min(...values)));
  const last = Math.floor(Math.log10(Math.max(...values)));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => 10 ** (first + i));
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5].find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10);
}
