import * as tf from '@tensorflow/tfjs-core';
import { checkedRoot, invalid } from '../arguments.js';
import { allgather, broadcast } from '../collectives.js';
import { RingError } from '../errors.js';
import { sessionOf } from '../process-set.js';
import { bridge } from '../tensors/bridge.js';
import { broadcastJson } from './broadcast-bytes.js';
import { setLearningRate } from './learning-rate.js';
import type { WithProcessSet } from './within.js';

interface Described {
  readonly learningRate: number | undefined;
  readonly weights: readonly { readonly name: string; readonly shape: number[]; readonly dtype: 'float32' | 'int32' }[];
}

/**
 * Gives every rank the state of `rootRank`'s optimizer: moments, number of steps, learning rate. For training that goes on from a
 * checkpoint which one rank has loaded.
 *
 * @param optimizer - of the same class on every rank; distributed or not
 * @param options - `processSet`: the ranks that take part, `rootRank` (its number in the job) among them
 * @throws {RingError} `RING_MISMATCH` where classes differ; `RING_UNSUPPORTED` for a class whose state tfjs cannot give (Adamax)
 */
export async function broadcastOptimizerState(
  optimizer: tf.Optimizer,
  rootRank = 0,
  options: WithProcessSet = {},
): Promise<void> {
  const where = 'broadcastOptimizerState';
  const session = sessionOf(where, options.processSet);
  const root = checkedRoot(where, rootRank, session.ranks);
  const name = session.nextName(where);
  if (session.config.size === 1) return;
  await checkSameClass(name, optimizer.getClassName(), session.ranks, options);
  const isRoot = session.ranks[session.config.rank] === root;
  const own = await stateOf(optimizer);
  const { learningRate } = optimizer as object as { learningRate?: unknown };
  const described = (await broadcastJson(
    name,
    own && {
      learningRate: typeof learningRate === 'number' ? learningRate : undefined,
      weights: own.map(({ name, tensor: { shape, dtype } }) => ({ name, shape, dtype })),
    },
    root,
    options,
  )) as Described | null;
  if (described === null)
    throw invalid(where, `tfjs cannot give the state of ${optimizer.getClassName()}, so it cannot be sent`);
  const values = await Promise.all(
    described.weights.map(({ shape, dtype }, index) => {
      const given = isRoot ? own![index]!.tensor : tf.zeros(shape, dtype);
      return broadcast(given, root, { ...options, name: `${name}.${index}` }).finally(() => {
        if (!isRoot) given.dispose();
      });
    }),
  );
  if (!isRoot) {
    const state = described.weights.map(({ name }, index) => ({ name, tensor: bridge().own(values[index]!) }));
    await optimizer.setWeights(state);
    state.forEach(({ tensor }) => tensor.dispose());
    if (described.learningRate !== undefined) setLearningRate(optimizer, described.learningRate);
  }
  // The number of steps is a scalar made for us; the rest of the root's state is in use, and that of others no longer.
  own?.slice(0, isRoot ? 1 : own.length).forEach(({ tensor }) => tensor.dispose());
  tf.dispose(values);
  session.native.trimMemory();
}

/** Every rank learns of all, so every rank fails alike. */
async function checkSameClass(
  name: string,
  own: string,
  ranks: readonly number[],
  options: WithProcessSet,
): Promise<void> {
  const lines = await allgather(new TextEncoder().encode(`${own}\n`), { ...options, name: `${name}.class` });
  const classes = new TextDecoder().decode(lines).trimEnd().split('\n');
  const place = classes.findIndex((one) => one !== classes[0]);
  if (place < 0) return;
  throw new RingError(
    'RING_MISMATCH',
    `${name}: the optimizer is ${classes[place]} on rank ${ranks[place]} and ${classes[0]} on rank ${ranks[0]}`,
  );
}

/** Undefined where tfjs has no way to it. The first is the number of steps. */
async function stateOf(optimizer: tf.Optimizer) {
  try {
    return await optimizer.getWeights();
  } catch (error) {
    if (error instanceof RingError) throw error;
    return undefined;
  }
}
