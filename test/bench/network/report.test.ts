import assert from 'node:assert/strict';
import { type NetworkSample, rowsOf, table } from '../../../bench/network/report.js';

const sample = (system: string, round: number, medianSeconds: number): NetworkSample => ({
  ...{ system, round, medianSeconds },
  bytes: 1_000_000,
  correct: true,
});
const ceilings = [1e8, 3e8, 2e8].map((bytesPerSecond) => ({ bytesPerSecond, roundTripSeconds: 1e-3 }));

describe('rows of the network bench', () => {
  const samples = [0.01, 0.03, 0.02].flatMap((seconds, round) => [
    sample('tsring', round, seconds),
    sample('gloo-ring', round, 2 * seconds),
  ]);

  it('the median of the rounds with the least and the most, beside the median of what sockets carried', () => {
    const [ours, gloo] = rowsOf(samples, ceilings, 4);
    assert.deepEqual(ours, {
      system: 'tsring',
      bytes: 1_000_000,
      medianSeconds: 0.02,
      leastSeconds: 0.01,
      mostSeconds: 0.03,
      busBytesPerSecond: 7.5e7,
      share: 0.375,
      ratio: 1,
      correct: true,
    });
    assert.equal(gloo!.ratio, 2);
  });

  it('one wrong sum in any round shows', () => {
    const [ours] = rowsOf([...samples, { ...sample('tsring', 3, 0.01), correct: false }], ceilings, 4);
    assert.equal(ours!.correct, false);
    assert.match(table.row(ours!), /WRONG$/);
  });

  it('without ours there is no ratio', () => {
    assert.equal(rowsOf([sample('gloo-ring', 0, 1)], ceilings, 4)[0]!.ratio, undefined);
  });
});
