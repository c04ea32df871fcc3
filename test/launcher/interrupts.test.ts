import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { Interrupts, type StopSignal } from '../../lib/launcher/interrupts.js';

describe('Interrupts', () => {
  function interrupted(...signals: StopSignal[]): Interrupts {
    const source = new EventEmitter();
    const interrupts = new Interrupts(source);
    for (const signal of signals) source.emit(signal, signal);
    interrupts.close();
    assert.equal(source.listenerCount('SIGINT'), 0);
    return interrupts;
  }

  it('take the first signal as the reason, and another as a wish to hurry', async () => {
    const interrupts = interrupted('SIGTERM', 'SIGINT');
    assert.equal(await interrupts.first, 'SIGTERM');
    assert(interrupts.hurry.aborted);
    assert(!interrupted('SIGINT').hurry.aborted);
  });

  it('take an echo of the same signal for what it is', () => {
    assert(!interrupted('SIGINT', 'SIGINT', 'SIGINT').hurry.aborted);
  });

  it('hurry at the first signal when the job is being stopped anyway', () => {
    const source = new EventEmitter();
    const interrupts = new Interrupts(source);
    interrupts.stopping();
    source.emit('SIGINT', 'SIGINT');
    assert(interrupts.hurry.aborted);
  });
});
