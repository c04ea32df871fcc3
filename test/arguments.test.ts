import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import * as ring from '../lib/index.js';
import { ringError } from './helpers/ring-error.js';

const array = Float32Array.of(1, 2);

describe('arguments', () => {
  before(async () => {
    await tf.setBackend('cpu');
    await ring.init();
  });
  after(() => ring.shutdown());

  const disposed = () => {
    const tensor = tf.scalar(1);
    tensor.dispose();
    return tensor;
  };
  const cases: [what: string, call: () => unknown, message: RegExp][] = [
    [
      'no value',
      () => ring.allreduceSync(undefined as never),
      /^allreduce: the value is undefined; give a tensor or a Float32Array/,
    ],
    ['a number', () => ring.allreduceSync(3 as never), /the value is 3/],
    ['an array of numbers', () => ring.allreduceSync([1, 2] as never), /the value is an object \(Array\)/],
    ['a DataView', () => ring.allreduceSync(new DataView(new ArrayBuffer(8)) as never), /an object \(DataView\)/],
    ['a Uint32Array', () => ring.allreduceSync(new Uint32Array(2) as never), /an object \(Uint32Array\)/],
    [
      'an unknown dtype',
      () => ring.allreduceSync(new Uint16Array(2), { dtype: 'float8' as never }),
      /dtype is "float8"; one of float16, bfloat16/,
    ],
    [
      'a dtype for an array of its own',
      () => ring.groupedAllreduceSync([new Uint16Array(1), array], { dtype: 'float16' }),
      /value 1: dtype "float16" goes with a Uint16Array, not with float32/,
    ],
    [
      'a Uint8ClampedArray',
      () => ring.allgatherSync(new Uint8ClampedArray(2) as never),
      /^allgather: the value is an object/,
    ],
    [
      'shared memory',
      () => ring.allreduceSync(new Float32Array(new SharedArrayBuffer(8))),
      /shared or resizable memory; give a copy/,
    ],
    ['resizable memory', () => ring.allreduceSync(resizable()), /shared or resizable memory; give a copy/],
    ['a disposed tensor', () => ring.broadcastSync(disposed()), /^broadcast: the tensor is disposed/],
    ['a tensor of strings', () => ring.broadcastSync(tf.scalar('text')), /a tensor of string cannot be sent.*cast it/],
    [
      'complex numbers',
      () => ring.allreduceSync(tf.complex([1], [2])),
      /complex64 cannot be sent.*tf.real and tf.imag/,
    ],
    [
      'Adasum of integers',
      () => ring.allreduceSync(new Int32Array(2), { op: 'adasum' }),
      /'adasum' is for floats, not/,
    ],
    ['Adasum that scatters', () => ring.reducescatterSync(array, { op: 'adasum' }), /which only allreduce has/],
    ['a factor that is none', () => ring.allreduceSync(array, { prescaleFactor: NaN }), /prescaleFactor is NaN/],
    [
      'booleans to scale',
      () => ring.allreduceSync(tf.scalar(true), { op: 'max', postscaleFactor: 2 }),
      /bool cannot be/,
    ],
    ['a scalar to scatter', () => ring.reducescatterSync(tf.scalar(1)), /a scalar has no first dimension/],
    ['splits that do not add up', () => ring.alltoallSync(array, { splits: [1] }), /splits add up to 1, but .* 2 rows/],
    [
      'splits for others',
      () => ring.alltoallSync(array, { splits: [1, 1] }),
      /give 1 whole numbers from 0, one a rank/,
    ],
    ['a part of a row', () => ring.alltoallSync(array, { splits: [2.5] }), /whole numbers/],
    ['a tensor to broadcast in place', () => ring.broadcastSync(tf.scalar(1), 0, { inPlace: true }), /tf\.Variable/],
    ['an average of booleans', () => ring.allreduceSync(tf.scalar(true)), /bool has no average; op 'min'.*'max'/],
    [
      'an unknown op',
      () => ring.allreduceSync(array, { op: 'mean' as never }),
      /op is "mean"; one of average, sum, min, max, product/,
    ],
    ['an empty name', () => ring.allreduceSync(array, { name: '' }), /name has 0 bytes; 1 to 512/],
    ['a long name', () => ring.barrierSync({ name: 'ü'.repeat(257) }), /^barrier: name has 514 bytes/],
    ['a priority that is not whole', () => ring.barrierSync({ priority: 0.5 }), /^barrier: priority is 0.5; a whole/],
    [
      'a priority that is too large',
      () => ring.allreduceSync(array, { priority: 2 ** 31 }),
      /priority is 2147483648; a/,
    ],
    ['a name of another type', () => ring.barrierSync({ name: 7 as never }), /name is 7; give a string/],
    ['a root outside', () => ring.broadcastSync(array, 1), /^broadcast: rootRank is 1; a rank of this ring, 0 to 0/],
    ['half a root', () => ring.broadcastSync(array, 0.5), /rootRank is 0.5/],
    ['a negative root', () => ring.broadcastSync(array, -1), /rootRank is -1/],
    [
      'a scalar to gather',
      () => ring.allgatherSync(tf.scalar(1)),
      /^allgather: a scalar has no first dimension; reshape it to \[1\]/,
    ],
    ['an empty group', () => ring.groupedAllreduceSync([]), /^groupedAllreduce: values is .*one or more/],
    [
      'no group',
      () => ring.groupedAllreduceSync(array as never),
      /^groupedAllreduce: values is an object \(Float32Array\)/,
    ],
    [
      'a hole in a group',
      () => ring.groupedAllreduceSync([array, undefined as never]),
      /^groupedAllreduce: value 1: the value is undefined/,
    ],
    [
      'a mixed group',
      () => ring.groupedAllreduceSync<ring.Value>([array, tf.scalar(1)]),
      /tensors, typed arrays and device buffers are mixed/,
    ],
    [
      'a tensor in place',
      () => ring.allreduceSync(tf.scalar(1), { inPlace: true }),
      /a tensor cannot be changed in place/,
    ],
    [
      'weights that are none',
      () => ring.broadcastWeights(3 as never),
      /^broadcastWeights: the weights are 3; give a layers model/,
    ],
    [
      'weights that are tensors',
      () => ring.broadcastWeights([tf.scalar(1)] as never),
      /weight 0 is .*, not a tf.Variable/,
    ],
  ];
  for (const [what, call, message] of cases) {
    it(`refuse ${what}`, async () => {
      await assert.rejects(Promise.resolve().then(call), ringError('RING_INVALID_ARGUMENT', message));
    });
  }

  it('are refused by the promise, and not by the call, in the promise form', async () => {
    const promise = ring.allreduce(3 as never);
    await assert.rejects(promise, ringError('RING_INVALID_ARGUMENT', /the value is 3/));
  });

  it('may be arrays within larger memory, subclasses, and names of 512 bytes', () => {
    const part = new Int32Array(new ArrayBuffer(40), 12, 3).fill(5);
    assert.deepEqual(ring.allreduceSync(part, { name: 'n'.repeat(512) }), Int32Array.of(5, 5, 5));
    const text = ring.broadcastSync(Buffer.from('text'));
    assert.deepEqual(text, new Uint8Array(Buffer.from('text')));
  });
});

/** A resizable ArrayBuffer is younger than the library that TypeScript checks against. */
function resizable(): Float32Array {
  const Resizable = ArrayBuffer as unknown as new (bytes: number, options: { maxByteLength: number }) => ArrayBuffer;
  return new Float32Array(new Resizable(8, { maxByteLength: 16 }));
}
