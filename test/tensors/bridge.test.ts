import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import type { DType, NativeSession, RequestHeader } from '../../lib/native/binding.js';
import { bridge } from '../../lib/tensors/bridge.js';
import { ringError } from '../helpers/ring-error.js';
import { backendNames, useBackend } from './backends.js';
import { closeAll, ringOf } from './rings.js';

for (const backend of backendNames) {
  describe(`tensors of the ${backend} backend`, () => {
    let leave: (() => Promise<void>) | undefined;
    let ring: NativeSession[] = [];
    let numTensors = 0;

    before(async function () {
      const loaded = await useBackend(backend);
      if ('reason' in loaded) {
        console.log(`      skipped, as ${backend} does not load: ${loaded.reason}`);
        return this.skip();
      }
      leave = loaded;
      ring = await ringOf(2);
    });
    after(async () => {
      await closeAll(ring);
      await leave?.();
    });
    beforeEach(() => (numTensors = tf.memory().numTensors));

    /** Each rank's tensors through one operation, rank 0 blocking and the others not. Disposes of what goes in. */
    async function together(header: RequestHeader, inputs: tf.Tensor[][]): Promise<tf.Tensor[][]> {
      const others = inputs.slice(1).map((tensors, i) => run(ring[i + 1]!, header, tensors));
      const mine = runSync(ring[0]!, header, inputs[0]!);
      tf.dispose(inputs);
      return [mine, ...(await Promise.all(others))];
    }

    function seeAndDispose(results: tf.Tensor[][]): unknown[][] {
      const seen = results.map((tensors) => tensors.map((tensor) => tensor.arraySync()));
      tf.dispose(results);
      assert.equal(tf.memory().numTensors, numTensors, 'tensors are left');
      return seen;
    }

    it('gives results that stay memory of their own', async () => {
      const header = { kind: 'broadcast', name: 'own', dtype: 'int32', rootRank: 0 } as const;
      const inputs = ring.map((_, rank) => [tf.tensor2d([[rank + 1, -7]], [1, 2], 'int32')]);
      const results = await together(header, inputs);
      const own = results.map((tensors) => tensors.map((tensor) => bridge().own(tensor)));
      tf.dispose(results);
      assert.deepEqual(seeAndDispose(own), [[[[1, -7]]], [[[1, -7]]]]);
      const flags = tf.tensor1d([true, false], 'bool');
      const copy = bridge().own(flags);
      flags.dispose();
      assert.deepEqual(seeAndDispose([[copy]]), [[[1, 0]]]);
    });

    it('averages a group of any shapes', async () => {
      const make = (x: number) => [
        tf.scalar(x),
        tf.fill([2, 1, 2], 2 * x),
        tf.zeros([0, 3]),
        tf.tensor1d([x, -x, 0.5]),
      ];
      const results = await together(allreduce('shapes', 'float32', 'average'), [make(1), make(3)]);
      assert.deepEqual(
        results[0]!.map(({ shape }) => shape),
        [[], [2, 1, 2], [0, 3], [3]],
      );
      const mean = [2, [[[4, 4]], [[4, 4]]], [], [2, -2, 0.5]];
      assert.deepEqual(seeAndDispose(results), [mean, mean]);
    });

    it('keeps int32 exact and bool a bool', async () => {
      const big = 2 ** 30 + 1;
      const sums = await together(allreduce('integers', 'int32', 'sum'), [
        [tf.tensor1d([big, 2], 'int32')],
        [tf.tensor1d([-1, 3], 'int32')],
      ]);
      assert.equal(sums[0]![0]!.dtype, 'int32');
      assert.deepEqual(seeAndDispose(sums), [[[big - 1, 5]], [[big - 1, 5]]]);
      const both = await together(allreduce('flags', 'bool', 'min'), [
        [tf.tensor1d([true, true, false], 'bool')],
        [tf.tensor1d([true, false, false], 'bool')],
      ]);
      assert.equal(both[1]![0]!.dtype, 'bool');
      assert.deepEqual(seeAndDispose(both), [[[1, 0, 0]], [[1, 0, 0]]]);
    });

    it('gathers first dimensions that differ, and broadcasts', async () => {
      const gather: RequestHeader = { kind: 'allgather', name: 'rows', dtype: 'float32' };
      const rows = await together(gather, [[tf.tensor2d([[1, 2]])], [tf.tensor2d([[3, 4], [5, 6]])]]); // prettier-ignore
      assert.deepEqual(seeAndDispose(rows)[1], [[[1, 2], [3, 4], [5, 6]]]); // prettier-ignore
      const spread: RequestHeader = { kind: 'broadcast', name: 'weights', dtype: 'float32', rootRank: 1 };
      const weights = await together(spread, [[tf.zeros([2])], [tf.tensor1d([7, 8])]]);
      assert.deepEqual(seeAndDispose(weights), [[[7, 8]], [[7, 8]]]);
    });

    it('only reads its inputs, which may share memory or be variables', async () => {
      const inputs = ring.map((_, rank) => {
        const x = tf.variable(tf.tensor1d([1, 2, rank]), true, undefined, 'float32');
        return { x, alias: x.clone() };
      });
      const header = allreduce('aliases', 'float32', 'sum');
      const other = run(ring[1]!, header, [inputs[1]!.x, inputs[1]!.alias, inputs[1]!.x]);
      const mine = runSync(ring[0]!, header, [inputs[0]!.x, inputs[0]!.alias, inputs[0]!.x]);
      const theirs = await other;
      assert.deepEqual(inputs.map(({ x }) => x.arraySync()), [[1, 2, 0], [1, 2, 1]]); // prettier-ignore
      tf.dispose(inputs.map(({ x, alias }) => [x, alias]));
      const sum = [2, 4, 1];
      // tf.variable keeps a tensor of its own beside the one it was made from.
      numTensors = tf.memory().numTensors - mine.length - theirs.length;
      assert.deepEqual(seeAndDispose([mine, theirs]), [[sum, sum, sum], [sum, sum, sum]]); // prettier-ignore
    });

    it('lets inputs be disposed of, and memory move, while an operation is pending', async () => {
      const header = allreduce('disposed', 'float32', 'sum');
      const count = 300_000;
      const early = tf.fill([count], 3);
      const pending = run(ring[1]!, header, [early]);
      early.dispose();
      tf.dispose(Array.from({ length: 40 }, () => tf.fill([count], -1))); // reuses what was freed; makes a wasm heap grow
      const late = tf.fill([count], 4);
      const [mine, theirs] = [runSync(ring[0]!, header, [late]), await pending];
      for (const [sum] of [mine, theirs]) assert.ok(sum!.dataSync().every((x) => x === 7));
      tf.dispose([late, mine, theirs]);
      assert.equal(tf.memory().numTensors, numTensors);
    });

    it('gives results to the tidy around it', async () => {
      const header = allreduce('tidy', 'float32', 'sum');
      const x = tf.ones([2]);
      const other = run(ring[1]!, header, [x]);
      const value = tf.tidy(() => tf.sum(runSync(ring[0]!, header, [x])[0]!)).dataSync()[0];
      tf.dispose(await other);
      assert.equal(value, 4);
      assert.equal(tf.memory().numTensors, numTensors + 2); // x and the sum
    });

    it('reports a mismatch on every rank and leaves no tensor behind', async () => {
      const header = allreduce('kernel', 'float32', 'sum');
      const inputs = [tf.zeros([2]), tf.zeros([3])];
      const said = ringError('RING_MISMATCH', /"kernel".*rank 0/s);
      const other = assert.rejects(run(ring[1]!, header, [inputs[1]!]), said);
      assert.throws(() => runSync(ring[0]!, header, [inputs[0]!]), said);
      await other;
      tf.dispose(inputs);
      assert.equal(tf.memory().numTensors, numTensors);
    });

    it('reports a name that is in use, and the first call goes on', async () => {
      const header = allreduce('twice', 'float32', 'sum');
      const x = tf.tensor1d([1]);
      const first = run(ring[1]!, header, [x]);
      await assert.rejects(run(ring[1]!, header, [x]), ringError('RING_DUPLICATE_NAME', /"twice"/));
      const results = [runSync(ring[0]!, header, [x]), await first];
      x.dispose();
      assert.deepEqual(seeAndDispose(results), [[[2]], [[2]]]);
    });

    it('fails what is pending, and what comes later, when the ring is left', async () => {
      const pair = await ringOf(2);
      const header = allreduce('late', 'float32', 'sum');
      const x = tf.tensor1d([1]);
      const pending = assert.rejects(run(pair[0]!, header, [x]), ringError('RING_SHUT_DOWN'));
      await pair[0]!.close();
      await pending;
      assert.throws(() => runSync(pair[0]!, header, [x]), ringError('RING_SHUT_DOWN'));
      await assert.rejects(run(pair[0]!, header, [x]), ringError('RING_SHUT_DOWN'));
      const left = ringError('RING_PEER_LOST', /rank 0.*"late"/);
      await assert.rejects(run(pair[1]!, header, [x]), left);
      assert.throws(() => runSync(pair[1]!, header, [x]), left);
      await pair[1]!.close();
      x.dispose();
      assert.equal(tf.memory().numTensors, numTensors);
    });
  });
}

function runSync(session: NativeSession, header: RequestHeader, tensors: readonly tf.Tensor[]): tf.Tensor[] {
  return [...bridge().runSync(session, header, tensors).values];
}

async function run(session: NativeSession, header: RequestHeader, tensors: readonly tf.Tensor[]): Promise<tf.Tensor[]> {
  return [...(await bridge().start(session, header, tensors).promise()).values];
}

function allreduce(name: string, dtype: DType, op: 'average' | 'sum' | 'min'): RequestHeader {
  return { kind: 'allreduce', name, dtype, op };
}
