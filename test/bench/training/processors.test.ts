import assert from 'node:assert/strict';
import { processorsOfRanks } from '../../../bench/training/processors.js';

describe('processors of ranks in bench:training', () => {
  const cpu = (number: number, core = `${number}`) => ({ cpu: number, core, node: 0 });
  const four = [0, 1, 2, 3].map((number) => cpu(number));

  it('are as many cores as threads', () => {
    assert.deepEqual(processorsOfRanks(1, 1, four), ['0']);
    assert.deepEqual(processorsOfRanks(2, 1, four), ['0', '1']);
    assert.deepEqual(processorsOfRanks(2, 2, four), ['0-1', '2-3']);
    assert.deepEqual(processorsOfRanks(1, 8, four), ['0-3']);
    assert.deepEqual(processorsOfRanks(2, 1, [cpu(0, 'a'), cpu(4, 'a'), cpu(1, 'b'), cpu(5, 'b')]), ['0,4', '1,5']);
  });

  it('are shared where ranks outnumber them', () => {
    assert.deepEqual(processorsOfRanks(4, 1, four.slice(0, 2)), ['0', '0', '1', '1']);
    assert.deepEqual(processorsOfRanks(3, 1, four.slice(0, 2)), ['0-1', '0-1', '0-1']);
  });

  it('are unknown where the system does not tell', () => {
    assert.deepEqual(processorsOfRanks(2, 1, []), []);
  });
});
