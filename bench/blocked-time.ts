import { bridge } from '../lib/tensors/bridge.js';

/**
 * Begins to count the milliseconds that this thread spends in operations on tensors; the function tells them, and begins anew. An optimizer's step
 * that is made meanwhile does not count.
 */
export function countBlockedTime(): () => number {
  let total = 0;
  const counted = <T>(action: () => T): T => {
    const began = performance.now();
    try {
      return action();
    } finally {
      total += performance.now() - began;
    }
  };
  const own = bridge();
  const runSync = own.runSync.bind(own);
  const start = own.start.bind(own);
  own.runSync = (...args) => counted(() => runSync(...args));
  const reduceAndUpdate = own.reduceAndUpdate?.bind(own);
  if (reduceAndUpdate !== undefined) {
    own.reduceAndUpdate = (...args) => {
      const results = counted(() => reduceAndUpdate(...args));
      total -= results.updateSeconds * 1e3;
      return results;
    };
  }
  own.start = (...args) => {
    const started = counted(() => start(...args));
    return { ...started, wait: () => counted(() => started.wait()) };
  };
  return () => {
    const taken = total;
    total = 0;
    return taken;
  };
}
