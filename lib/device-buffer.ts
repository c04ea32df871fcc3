import { activeSession } from './active-session.js';
import { readConfig } from './config.js';
import { RingError } from './errors.js';
import type { DType, GpuFacts, NativeDeviceBuffer, NumericArray } from './native/binding.js';
import { ncclLibrary } from './nccl-library.js';
import { arrayClasses } from './native/array-classes.js';
import { loadAddon } from './native/load.js';

/**
 * Elements in the memory of this rank's GPU, which operations take like typed arrays and combine there, by NCCL. What is written and
 * read by others than this class must be done before an operation is called: it does not know their streams.
 */
export class DeviceBuffer {
  private constructor(
    readonly dtype: DType,
    readonly length: number,
    /** @internal */
    readonly native: NativeDeviceBuffer,
  ) {}

  /**
   * Memory of its own, with whatever was in it.
   *
   * @throws {RingError} `RING_UNSUPPORTED` and the reason where there is no GPU; `RING_INTERNAL` where it is full; `RING_NOT_INITIALIZED`
   */
  static allocate(dtype: DType, length: number): DeviceBuffer {
    return new DeviceBuffer(dtype, length, open({ bytes: checkedLength(dtype, length) * bytesOf(dtype) }));
  }

  /** A copy of `array`; `dtype` is what its elements mean, where its kind leaves that open. @throws {RingError} as `allocate` */
  static from(array: NumericArray, dtype: DType = dtypeOf(array)): DeviceBuffer {
    const buffer = DeviceBuffer.allocate(dtype, array.length);
    buffer.copyFrom(array);
    return buffer;
  }

  /**
   * Memory that others have allocated in this process on the same GPU, and keep for longer than this buffer and its operations.
   *
   * @param options - `address` as CUDA gives it: a multiple of the element's size
   * @throws {RingError} as `allocate`
   */
  static import(options: { readonly address: bigint; readonly dtype: DType; readonly length: number }): DeviceBuffer {
    const { address, dtype, length } = options;
    const bytes = checkedLength(dtype, length) * bytesOf(dtype);
    if (typeof address !== 'bigint' || address <= 0n || address % BigInt(bytesOf(dtype)) !== 0n)
      throw invalid(`address is ${String(address)}; a multiple of ${bytesOf(dtype)}, as a bigint`);
    return new DeviceBuffer(dtype, length, open({ bytes, address }));
  }

  /** @internal Over what the engine has provided. */
  static over(dtype: DType, length: number, native: NativeDeviceBuffer): DeviceBuffer {
    return new DeviceBuffer(dtype, length, native);
  }

  /** On the GPU; 0n for no elements, and once disposed of. */
  get address(): bigint {
    return this.native.address();
  }

  get byteLength(): number {
    return this.length * bytesOf(this.dtype);
  }

  /** Copies all of `array` to element `offset` and what follows. Blocks until it is there. @throws {RingError} `RING_INVALID_ARGUMENT` */
  copyFrom(array: NumericArray, offset = 0): void {
    this.#checkCopy(array, offset);
    this.native.write(array, offset * bytesOf(this.dtype));
  }

  /** Fills `array` with the elements from `offset` on. Blocks until they are there. @throws {RingError} `RING_INVALID_ARGUMENT` */
  copyTo(array: NumericArray, offset = 0): void {
    this.#checkCopy(array, offset);
    this.native.read(array, offset * bytesOf(this.dtype));
  }

  /** All elements, in a new typed array; 16-bit floats as their bits. */
  toArray(): NumericArray {
    const array = new arrayClasses[this.dtype](this.length);
    this.copyTo(array);
    return array;
  }

  /** Lets the memory go, if it is our own, as soon as no operation uses it. Safe to call twice. */
  dispose(): void {
    this.native.free();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #checkCopy(array: NumericArray, offset: number): void {
    const wanted = arrayClasses[this.dtype].name;
    const given = ArrayBuffer.isView(array) ? array[Symbol.toStringTag] : String(array);
    if (given !== wanted) throw invalid(`the elements are ${this.dtype}: give a ${wanted}, not ${given}`);
    if (!Number.isInteger(offset) || offset < 0 || offset + array.length > this.length)
      throw invalid(`${array.length} elements from ${offset} on do not fit a buffer of ${this.length}`);
  }
}

/** Whether this process has a driver and a GPU that it can use. Unlike in Horovod the package is not built for it, but finds it. */
export function cudaBuilt(): boolean {
  return gpuFacts().cudaReason === undefined;
}

/** The version of NCCL that operations on GPUs would use, 22707 for 2.27.7; 0 where there is none. */
export function ncclBuilt(): number {
  return gpuFacts().ncclVersion ?? 0;
}

/** What there is, and why not the rest. */
export function gpuFacts(): GpuFacts {
  return loadAddon().probeGpus(ncclLibrary(readConfig().ncclLib));
}

function open(memory: { readonly bytes: number; readonly address?: bigint }): NativeDeviceBuffer {
  const { DeviceBuffer: Native } = loadAddon();
  return new Native({ device: activeSession().config.localRank, ...memory });
}

function bytesOf(dtype: DType): number {
  return arrayClasses[dtype].BYTES_PER_ELEMENT;
}

function checkedLength(dtype: DType, length: number): number {
  if (!Object.hasOwn(arrayClasses, dtype))
    throw invalid(`dtype is ${dtype as string}; one of ${Object.keys(arrayClasses).join(', ')}`);
  if (!Number.isSafeInteger(length) || length < 0) throw invalid(`length is ${String(length)}; a whole number from 0`);
  return length;
}

function dtypeOf(array: NumericArray): DType {
  const found = Object.entries(arrayClasses).find(
    ([dtype, { name }]) => name === array[Symbol.toStringTag] && !['float16', 'bfloat16', 'bool'].includes(dtype),
  );
  if (found === undefined) throw invalid('give a typed array');
  return found[0] as DType;
}

function invalid(what: string): RingError {
  return new RingError('RING_INVALID_ARGUMENT', `DeviceBuffer: ${what}`);
}
