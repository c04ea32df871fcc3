import type * as tf from '@tensorflow/tfjs-core';
import { checkedRoot } from '../arguments.js';
import { broadcast } from '../collectives.js';
import { sessionOf } from '../process-set.js';
import { bridge } from '../tensors/bridge.js';
import { checkSameVariables } from './same-variables.js';
import { variablesOf, type Weights } from './weights.js';
import type { WithProcessSet } from './within.js';

/**
 * Gives every rank the weights of `rootRank`, so that training starts from the same point everywhere. Assigned in place, trainable or
 * not, once all of them have arrived; the root's stay as they are.
 *
 * @param weights - the same variables (names, shapes, dtypes, order) on every rank
 * @param options - `processSet`: the ranks that take part, `rootRank` (its number in the job) among them
 * @throws {RingError} `RING_MISMATCH` naming the first difference between ranks, before anything is sent
 */
export async function broadcastWeights(weights: Weights, rootRank = 0, options: WithProcessSet = {}): Promise<void> {
  const session = sessionOf('broadcastWeights', options.processSet);
  const root = checkedRoot('broadcastWeights', rootRank, session.ranks);
  const variables = variablesOf('broadcastWeights', weights);
  const name = session.nextName('broadcastWeights');
  if (session.config.size === 1) return;
  await checkSameVariables(name, variables, options);
  const values = await Promise.all(
    variables.map((variable, index) => broadcast(variable, root, { ...options, name: `${name}.${index}` })),
  );
  const isRoot = session.ranks[session.config.rank] === root;
  variables.forEach((variable, index) => {
    if (!isRoot) assignOwn(variable, values[index]!);
    values[index]!.dispose();
  });
  session.native.trimMemory(); // steps reduce gradients in other pieces, or want no memory for results at all
}

/** One by one, so that no more than one value is there twice. */
function assignOwn(variable: tf.Variable, value: tf.Tensor): void {
  const own = bridge().own(value);
  variable.assign(own);
  own.dispose();
}
