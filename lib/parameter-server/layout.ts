/** A variable as all processes know it. */
export interface Described {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Variables laid end to end, in float32 elements. Each server has a run of them, which may begin and end inside a variable. */
export interface Layout {
  readonly variables: readonly Described[];
  /** Where each variable begins. */
  readonly offsets: readonly number[];
  readonly length: number;
}

export function layoutOf(variables: readonly Described[]): Layout {
  const offsets: number[] = [];
  let length = 0;
  for (const { shape } of variables) {
    offsets.push(length);
    length += shape.reduce((product, size) => product * size, 1);
  }
  return { variables, offsets, length };
}

/** What server `server` of `servers` holds: lengths differ by at most one element. */
export function shareOf(length: number, server: number, servers: number): { begin: number; length: number } {
  const start = (index: number) => index * Math.floor(length / servers) + Math.min(index, length % servers);
  return { begin: start(server), length: start(server + 1) - start(server) };
}

/** Where two models first differ, in words; undefined if they do not. `a` and `b` say whose they are. */
export function differenceOf(
  [a, ours]: readonly [string, readonly Described[]],
  [b, theirs]: readonly [string, readonly Described[]],
): string | undefined {
  const count = Math.max(ours.length, theirs.length);
  const index = Array.from({ length: count }, (_, i) => i).find((i) => spell(ours[i]) !== spell(theirs[i]));
  if (index === undefined) return undefined;
  return `variable ${index} is ${spell(ours[index])} ${a} and ${spell(theirs[index])} ${b}`;
}

function spell(variable: Described | undefined): string {
  return variable === undefined ? 'missing' : `${JSON.stringify(variable.name)} [${variable.shape.join(', ')}]`;
}
