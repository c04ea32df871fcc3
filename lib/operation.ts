import type * as tf from '@tensorflow/tfjs-core';
import { isOnDevice, isTensor, type Value } from './arguments.js';
import { DeviceBuffer } from './device-buffer.js';
import type {
  DType,
  NativeRequest,
  NativeResult,
  NumericArray,
  OperationKind,
  PayloadDType,
  ReduceOp,
  RequestHeader,
} from './native/binding.js';
import { arrayClasses } from './native/array-classes.js';
import { finishAll, finished, type UnderWay } from './collectives/under-way.js';
import { reductionNumber } from './native/reduction-number.js';
import { neverStarted, startedBy, type Moved } from './native/started.js';
import type { ActiveSession } from './active-session.js';
import { bridge } from './tensors/bridge.js';

/** A checked call: values are all tensors or all typed arrays. */
export interface Operation {
  readonly kind: OperationKind;
  readonly name: string;
  readonly op?: ReduceOp;
  readonly rootRank?: number;
  readonly prescale?: number;
  readonly postscale?: number;
  readonly splits?: readonly number[];
  /** Of the values that are float32; others travel as they are. */
  readonly payload?: PayloadDType;
  readonly values: readonly Value[];
  /** One a value. */
  readonly dtypes: readonly DType[];
  readonly inPlace: boolean;
  /** Its turn among what waits. */
  readonly priority?: number;
  /** A deadline of its own. */
  readonly timeoutMs?: number;
  /** Names of the values, for messages. */
  readonly labels?: readonly string[];
}

/** Begins an operation; its values are handed over before this returns. Results come in the order of the values. */
export function start(session: ActiveSession, operation: Operation): UnderWay {
  const parts = split(operation);
  const started = parts.map((part) => startPart(session, part));
  return {
    settled: () => started.every((part) => part.settled()),
    wait: () => merge(parts, finishAll(started)),
    promise: async () => merge(parts, await finished(started)),
  };
}

/**
 * Opens an operation on tensors of one dtype, which an operation of TensorFlow's then hands over.
 *
 * @returns the number of its ticket
 */
export function open({ native }: ActiveSession, operation: Operation): number {
  const [part] = split(operation);
  return native.prepare(part!.header);
}

/** Runs an operation and blocks this thread until it is done. */
export function operateSync(session: ActiveSession, operation: Operation): Moved<Value> {
  const array = onlyArray(operation);
  if (array !== undefined) {
    const { name, dtypes, op, inPlace } = operation;
    return { values: [reduceArray(session, name, dtypes[0]!, op!, array, inPlace)] };
  }
  if (isPlainBarrier(operation)) {
    session.native.meet(operation.name);
    return { values: [] };
  }
  const parts = split(operation);
  return merge(
    parts,
    parts.map((part) => runPartSync(session, part)),
  );
}

/** The typed array of an allreduce that has no other value, no factors and no priority, and travels as it is. */
function onlyArray({ kind, values, payload, prescale, postscale, priority }: Operation): NumericArray | undefined {
  const [value] = values;
  if (kind !== 'allreduce' || values.length > 1 || isTensor(value) || isOnDevice(value)) return undefined;
  if (payload !== undefined || priority !== undefined) return undefined;
  return prescale === undefined && postscale === undefined ? value : undefined;
}

/** A barrier with nothing but a name. */
function isPlainBarrier({ kind, priority, timeoutMs }: Operation): boolean {
  return kind === 'barrier' && priority === undefined && timeoutMs === undefined;
}

// Below this it costs less to have JavaScript make the result's memory than to hand out the engine's.
const ownMemoryBytes = 65_536;

/** The commonest blocking call, made to cost little: agreement and data of a small one take less time than the call itself. */
export function reduceArray(
  { native }: ActiveSession,
  name: string,
  dtype: DType,
  op: ReduceOp,
  array: NumericArray,
  inPlace: boolean,
): NumericArray {
  const number = reductionNumber(dtype, op);
  if (inPlace) {
    native.reduce(name, number, array, true);
    return array;
  }
  const ArrayClass = arrayClasses[dtype];
  if (array.byteLength > ownMemoryBytes) return new ArrayClass(native.reduce(name, number, array)!);
  const output = new ArrayClass(array.length);
  native.reduce(name, number, array, output);
  return output;
}

/** The values of one dtype, which the engine takes in one request. */
interface Part {
  readonly header: RequestHeader;
  readonly values: readonly Value[];
  /** Of each value, in the operation. */
  readonly places: readonly number[];
  readonly inPlace: boolean;
}

/**
 * One part a dtype, in an order that does not depend on the order of the values: blocking calls run part after part, and ranks that
 * took them in different orders would wait for each other. The first part has the operation's own name.
 */
function split({ name, values, dtypes, inPlace, payload, labels, ...same }: Operation): Part[] {
  const kinds = same.kind === 'barrier' ? (['uint8'] as const) : [...new Set(dtypes)].sort();
  return kinds.map((dtype, index) => {
    const places = [...dtypes.keys()].filter((place) => dtypes[place] === dtype);
    const header = {
      ...{ ...same, dtype, name: index === 0 ? name : `${name}.${dtype}` },
      ...(payload !== undefined && dtype === 'float32' && { payload }),
      ...(labels !== undefined && { labels: places.map((place) => labels[place] ?? '') }),
    };
    return { header, places, values: places.map((place) => values[place]!), inPlace };
  });
}

function merge(parts: readonly Part[], results: readonly Moved<Value>[]): Moved<Value> {
  const values: Value[] = [];
  parts.forEach(({ places }, part) =>
    places.forEach((place, index) => (values[place] = results[part]!.values[index]!)),
  );
  return { values, splits: results[0]?.splits };
}

function startPart({ native }: ActiveSession, part: Part): UnderWay {
  try {
    if (holdsTensors(part)) return bridge().start(native, part.header, part.values);
    return startedBy(native, native.submit(request(part)), (fetch) => arrays(part, fetch()));
  } catch (error) {
    return neverStarted(error);
  }
}

function runPartSync({ native }: ActiveSession, part: Part): Moved<Value> {
  if (holdsTensors(part)) return bridge().runSync(native, part.header, part.values);
  return arrays(part, native.run(request(part)));
}

function holdsTensors(part: Part): part is Part & { readonly values: readonly tf.Tensor[] } {
  return isTensor(part.values[0]);
}

function request({ header, values, inPlace }: Part): NativeRequest {
  if (isOnDevice(values[0])) {
    const inputs = (values as readonly DeviceBuffer[]).map(({ native }) => native);
    const shapes = (values as readonly DeviceBuffer[]).map(({ length }) => [length]);
    return { ...header, memory: 'cuda', shapes, inputs, ...(inPlace && { outputs: inputs }) };
  }
  const inputs = values as readonly NumericArray[];
  const shapes = inputs.map((array) => [array.length]);
  return inPlace ? { ...header, shapes, inputs, outputs: inputs } : { ...header, shapes, inputs };
}

function arrays({ header, values, inPlace }: Part, result: NativeResult): Moved<Value> {
  const { buffers = [], deviceBuffers, shapes, splits } = result;
  if (deviceBuffers !== undefined) {
    const lengthOf = (index: number) => shapes[index]![0]!;
    return {
      values: deviceBuffers.map((native, index) => DeviceBuffer.over(header.dtype, lengthOf(index), native)),
      splits,
    };
  }
  return { values: inPlace ? values : buffers.map((buffer) => new arrayClasses[header.dtype](buffer)), splits };
}
