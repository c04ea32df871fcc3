import assert from 'node:assert/strict';
import { parseRows } from '../../../bench/peers/sample.js';
import { tsv } from '../../../bench/collectives-report.js';

describe('bench/peers/sample', () => {
  const row = (label: string, check = 'ok') =>
    `${label}\t4\t65536\t200\t20.50\t31.00\t25.25\t2.114\t3.171\t3.893\t${check}`;

  it('finds rows behind what launchers put before lines, and nothing else', () => {
    const output = `starting\n${tsv.header}\n${row('openmpi')}\r\n[1,0]<stdout>:${row('horovod-gloo', 'WRONG')}\ndone\n`;
    const expected = {
      ranks: 4,
      bytes: 65536,
      iterations: 200,
      minSeconds: 20.5e-6,
      medianSeconds: 31e-6,
      backToBackSeconds: 25.25e-6,
      correct: true,
    };
    assert.deepEqual(parseRows(output), [expected, { ...expected, correct: false }]);
  });

  it('reads what our own bench writes', () => {
    const expected = {
      ranks: 2,
      bytes: 4096,
      iterations: 10,
      minSeconds: 1e-6,
      medianSeconds: 2e-6,
      backToBackSeconds: 1.5e-6,
      correct: true,
    };
    assert.deepEqual(parseRows(tsv.row({ ...expected, maxSeconds: 3e-6, algorithm: 'ring' })), [expected]);
  });

  it('takes no half row', () => {
    assert.deepEqual(parseRows(row('mpich').slice(0, -3)), []);
    assert.deepEqual(parseRows('mpich\t4\t65536\tok\n'), []);
  });
});
