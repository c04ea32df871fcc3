import * as tf from '@tensorflow/tfjs-core';
import { DeviceBuffer } from './device-buffer.js';
import { RingError } from './errors.js';
import type { DType, HalfDType, NumericArray, PayloadDType, ReduceOp } from './native/binding.js';

/** What operations take: a tensor of float32, int32 or bool, a typed array, or a buffer on this rank's GPU. */
export type Value = tf.Tensor | NumericArray | DeviceBuffer;

/** What an operation gives back for a `T`: a tensor for a variable, and otherwise the same kind. */
export type Same<T extends Value> = T extends tf.Tensor<infer R> ? tf.Tensor<R> : T;

const arrayDTypes: Readonly<Record<string, DType>> = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Int8Array: 'int8',
  Int16Array: 'int16',
  Int32Array: 'int32',
  BigInt64Array: 'int64',
  Uint8Array: 'uint8',
  Uint16Array: 'uint16',
};
const tensorDTypes: Readonly<Record<string, DType>> = { float32: 'float32', int32: 'int32', bool: 'bool' };
const halfDTypes: readonly unknown[] = ['float16', 'bfloat16'] satisfies HalfDType[];
const reduceOps: readonly unknown[] = ['average', 'sum', 'min', 'max', 'product', 'adasum'] satisfies ReduceOp[];
const floatDTypes: readonly DType[] = ['float16', 'bfloat16', 'float32', 'float64'];

/** `where` leads the message: `allreduce`, or `groupedAllreduce: value 3`. */
export function invalid(where: string, what: string): RingError {
  return new RingError('RING_INVALID_ARGUMENT', `${where}: ${what}`);
}

export function isOnDevice(value: unknown): value is DeviceBuffer {
  return value instanceof DeviceBuffer;
}

export function isTensor(value: unknown): value is tf.Tensor {
  return value instanceof tf.Tensor;
}

/** @throws {RingError} `RING_INVALID_ARGUMENT` for anything that the engine cannot take as it is */
export function checkedDType(where: string, value: unknown): DType {
  if (isOnDevice(value)) return value.dtype;
  return isTensor(value) ? tensorDType(where, value) : arrayDType(where, value);
}

/** The dtype of a typed array that the engine can take as it is; undefined for all else. */
export function plainArrayDType(value: unknown): DType | undefined {
  const dtype = typedArrayDType(value);
  return dtype !== undefined && staysInPlace(value as NumericArray) ? dtype : undefined;
}

/** What the elements of `value` mean: by its kind, unless `meant` says that a Uint16Array holds the bits of floats. */
export function checkedMeaning(where: string, value: unknown, meant: unknown): DType {
  const dtype = checkedDType(where, value);
  if (meant === undefined) return dtype;
  if (!halfDTypes.includes(meant)) throw invalid(where, `dtype is ${show(meant)}; one of ${halfDTypes.join(', ')}`);
  if (dtype !== 'uint16') throw invalid(where, `dtype ${show(meant)} goes with a Uint16Array, not with ${dtype}`);
  return meant as HalfDType;
}

/** The name given, or `automatic()` for none. */
export function checkedName(where: string, name: unknown, automatic: () => string): string {
  if (name === undefined) return automatic();
  if (typeof name !== 'string')
    throw invalid(where, `name is ${show(name)}; give a string, or none for an automatic name`);
  const bytes = Buffer.byteLength(name);
  if (bytes >= 1 && bytes <= 512) return name;
  throw invalid(where, `name has ${bytes} bytes; 1 to 512 are allowed`);
}

export function checkedOp(where: string, op: unknown, dtypes: readonly DType[]): ReduceOp {
  const chosen = op ?? 'average';
  if (!reduceOps.includes(chosen)) throw invalid(where, `op is ${show(op)}; one of ${reduceOps.join(', ')}`);
  if (chosen === 'average' && dtypes.includes('bool')) {
    throw invalid(
      where,
      "bool has no average; op 'min' is true where all ranks are, 'max' where any is, or cast to float32",
    );
  }
  if (chosen === 'adasum') {
    const other = dtypes.find((dtype) => !floatDTypes.includes(dtype));
    if (where.endsWith('educescatter')) throw invalid(where, "op is 'adasum', which only allreduce has");
    if (other !== undefined) throw invalid(where, `op 'adasum' is for floats, not for ${other}`);
  }
  return chosen as ReduceOp;
}

const payloads: Readonly<Record<string, PayloadDType | undefined>> = {
  none: undefined,
  fp16: 'float16',
  bf16: 'bfloat16',
  int8: 'int8',
};

/** What float32 travels as; undefined: as it is. */
export function checkedPayload(where: string, compression: unknown = 'none'): PayloadDType | undefined {
  if (typeof compression === 'string' && Object.hasOwn(payloads, compression)) return payloads[compression];
  throw invalid(where, `compression is ${show(compression)}; one of ${Object.keys(payloads).join(', ')}`);
}

/** What elements are multiplied by; nothing where that changes nothing. */
export function checkedFactor(
  where: string,
  name: 'prescaleFactor' | 'postscaleFactor',
  factor: unknown,
  dtypes: readonly DType[],
): number | undefined {
  if (factor === undefined || factor === 1) return undefined;
  if (typeof factor !== 'number' || !Number.isFinite(factor))
    throw invalid(where, `${name} is ${show(factor)}; give a finite number`);
  if (dtypes.includes('bool')) throw invalid(where, `${name} is ${factor}, but bool cannot be scaled`);
  return factor;
}

/** Rows for each of `size` ranks, from those given or in equal shares, of a value with `rows`. */
export function checkedSplits(where: string, splits: unknown, rows: number, size: number): readonly number[] {
  if (splits === undefined) {
    if (rows % size === 0) return Array<number>(size).fill(rows / size);
    throw invalid(where, `${rows} rows do not come out even on ${size} ranks; give splits`);
  }
  const list = ArrayBuffer.isView(splits) || Array.isArray(splits) ? Array.from(splits as ArrayLike<unknown>) : [];
  const whole = list.every((split) => Number.isInteger(split) && Number(split) >= 0);
  if (list.length !== size || !whole)
    throw invalid(where, `splits is ${show(splits)}; give ${size} whole numbers from 0, one a rank`);
  const sum = (list as number[]).reduce((a, b) => a + b, 0);
  if (sum !== rows) throw invalid(where, `splits add up to ${sum}, but the value has ${rows} rows`);
  return list as number[];
}

/** Of a value whose first dimension counts. */
export function checkedRows(where: string, value: Value): number {
  if (!isTensor(value)) return value.length;
  if (value.rank === 0) throw invalid(where, 'a scalar has no first dimension; reshape it to [1]');
  return value.shape[0];
}

/** `ranks` are those of the ring or of the process set, by their numbers in the job. */
export function checkedRoot(where: string, rootRank: unknown, ranks: readonly number[]): number {
  const root = ranks.find((rank) => rank === rootRank);
  if (root !== undefined) return root;
  const whole = ranks.at(-1) === ranks.length - 1;
  const allowed = whole ? `a rank of this ring, 0 to ${ranks.length - 1}` : `a rank of the set: ${ranks.join(', ')}`;
  throw invalid(where, `rootRank is ${show(rootRank)}; ${allowed}`);
}

export function checkedTimeout(where: string, timeoutMs: unknown): number {
  if (Number.isInteger(timeoutMs) && Number(timeoutMs) >= 1 && Number(timeoutMs) < 2 ** 31) return Number(timeoutMs);
  throw invalid(where, `timeoutMs is ${show(timeoutMs)}; a whole number from 1 to ${2 ** 31 - 1}`);
}

export function checkedLabels(where: string, labels: unknown, count: number): readonly string[] | undefined {
  if (labels === undefined) return undefined;
  const given: unknown[] | undefined = Array.isArray(labels) ? labels : undefined;
  if (given?.length === count && given.every((label) => typeof label === 'string')) return given;
  throw invalid(where, `labels must be an array of strings, one a value`);
}

export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}...` : value);
  if (typeof value !== 'object' || value === null) return String(value);
  return `an object (${Object.prototype.toString.call(value).slice(8, -1)})`;
}

function tensorDType(where: string, tensor: tf.Tensor): DType {
  if (tensor.isDisposed) throw invalid(where, 'the tensor is disposed');
  const dtype = tensorDTypes[tensor.dtype];
  if (dtype !== undefined) return dtype;
  const remedy = tensor.dtype === 'complex64' ? 'send tf.real and tf.imag of it' : 'cast it';
  throw invalid(where, `a tensor of ${tensor.dtype} cannot be sent; float32, int32 and bool can: ${remedy}`);
}

function arrayDType(where: string, value: unknown): DType {
  const dtype = typedArrayDType(value);
  if (dtype === undefined) {
    throw invalid(where, `the value is ${show(value)}; give a tensor or a ${Object.keys(arrayDTypes).join(', ')}`);
  }
  if (!staysInPlace(value as NumericArray)) {
    throw invalid(where, 'the array lies in shared or resizable memory; give a copy (array.slice())');
  }
  return dtype;
}

function typedArrayDType(value: unknown): DType | undefined {
  if (!ArrayBuffer.isView(value)) return undefined;
  return arrayDTypes[(value as NumericArray)[Symbol.toStringTag]];
}

/** The engine's threads read an array's memory while JavaScript runs on: it must stay where it is, and of its size. */
function staysInPlace(array: NumericArray): boolean {
  const { buffer } = array as { buffer: ArrayBufferLike };
  const movable = buffer as { resizable?: boolean; growable?: boolean };
  return buffer instanceof ArrayBuffer && movable.resizable !== true;
}
