const tableBits = 16;
const table = inverseCdf(1 << tableBits);

/**
 * Numbers from the standard normal distribution cut off at two standard deviations, the same for the same seed.
 *
 * tfjs draws such numbers one by one in about 100 ns each, a quarter of a minute for VGG19's weights. Here a fast generator
 * picks from a table of the inverse distribution function, which takes a few nanoseconds.
 */
export class TruncatedNormal {
  private a: number;
  private b = 0x9e3779b9;
  private c = 0x243f6a88;
  private counter = 1;

  constructor(seed: number) {
    this.a = seed | 0;
    for (let i = 0; i < 12; i++) this.nextBits(); // lets the seed reach all of the state
  }

  /** Fills an array of `count` float32 values with `mean + stddev * x`. */
  fill(count: number, mean: number, stddev: number): Float32Array {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = mean + stddev * table[this.nextBits() >>> (32 - tableBits)]!;
    return values;
  }

  /** A whole number from 0 up to, not including, `limit`. */
  integer(limit: number): number {
    return Math.floor(((this.nextBits() >>> 0) / 2 ** 32) * limit);
  }

  /** 32 bits of the generator sfc32. */
  private nextBits(): number {
    const result = (this.a + this.b + this.counter++) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + result;
    return result;
  }
}

/** The values below which (i + 1/2) / length of the distribution lie, found by walking its area in small steps. */
function inverseCdf(length: number): Float32Array {
  const cells = length * 4;
  const width = 4 / cells;
  const density = (cell: number) => Math.exp(-((-2 + (cell + 0.5) * width) ** 2) / 2);
  let total = 0;
  for (let cell = 0; cell < cells; cell++) total += density(cell);
  const values = new Float32Array(length);
  let below = 0;
  for (let cell = 0, i = 0; i < length; cell++) {
    const area = density(cell) / total;
    while (i < length && (i + 0.5) / length <= below + area) {
      values[i] = -2 + (cell + ((i + 0.5) / length - below) / area) * width;
      i++;
    }
    below += area;
    if (cell >= cells) values.fill(2, i, (i = length)); // what rounding of the sum left over
  }
  return values;
}
