import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { describeCommit, describeMachine } from '../../bench/machine.js';

describe('bench/machine', () => {
  it('describes the machine without naming it', () => {
    const machine = describeMachine();
    assert.ok(machine.cores >= 1 && machine.memoryGiB > 0);
    assert.ok(!Object.values(machine).includes(hostname()));
  });

  it('names the commit, or none outside a checkout', () => {
    assert.match(describeCommit() ?? '000000000000', /^[0-9a-f]{12}\+?$/);
  });
});
