import type { RingError } from '../errors.js';
import type { algorithmNames } from '../settings.js';

/** Typed arrays the engine takes as they are; those of 16-bit floats are their bits, in a Uint16Array. */
export type NumericArray =
  Float32Array | Float64Array | Int8Array | Int16Array | Int32Array | BigInt64Array | Uint8Array | Uint16Array;

export type DType =
  'float32' | 'float64' | 'int8' | 'int16' | 'int32' | 'int64' | 'uint8' | 'uint16' | 'bool' | HalfDType;

/** Floats of 16 bits: combined in float32, and rounded to nearest even. */
export type HalfDType = 'float16' | 'bfloat16';
/** What elements of float32 may travel as: 16-bit floats, or int8 in blocks that share a scale. */
export type PayloadDType = HalfDType | 'int8';
export type ReduceOp = 'average' | 'sum' | 'min' | 'max' | 'product' | 'adasum';
export type OperationKind = 'allreduce' | 'allgather' | 'broadcast' | 'barrier' | 'reducescatter' | 'alltoall' | 'join';

export interface NativeSessionOptions {
  readonly rank: number;
  readonly size: number;
  /** Of a process set: the session of the job, which it breaks and ends with. */
  readonly parent?: NativeSession;
  /** Of a process set: the numbers in the job of its ranks, by which messages and roots call them. */
  readonly members?: readonly number[];
  readonly jobId: string;
  /** 32 bytes, equal on all ranks of a job. */
  readonly secret: Uint8Array;
  readonly generation: number;
  /** Name of this machine, for messages. */
  readonly hostname: string;
  /** Deadline of one operation, from the first rank that asks for it. */
  readonly timeoutMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly fusionThresholdBytes: number;
  readonly cacheCapacity: number;
  readonly transport: TransportName;
  /** That data of every two ranks go over; equal on all ranks, as is the next. */
  readonly sockets: number;
  /** That `retune` may go up to; where it is more, so many are connected. */
  readonly mostSockets: number;
  /** TLS on every link; equal on all ranks. */
  readonly encrypt: boolean;
  /** Takes this algorithm for every allreduce; absent: chosen by costs. Of this and the costs only rank 0's count, for all ranks. */
  readonly algorithm?: AlgorithmName;
  /** What algorithms cost; absent: built in. */
  readonly costs?: AlgorithmCosts;
  /** Where the costs come from, for the log. */
  readonly costsSource?: string;
  /** Absent: GPU 0, libnccl.so.2, and NCCL between hosts too. */
  readonly gpu?: NativeGpuOptions;
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  /** Absent: as the settings of the same names are by default. */
  readonly diagnostics?: NativeDiagnostics;
}

/** How operations on GPUs are done. */
export interface NativeGpuOptions {
  /** This rank's, by its number among those that the process sees. */
  readonly device: number;
  /** A name or path. */
  readonly ncclLibrary: string;
  /** NCCL inside each host alone, if rank 0 says so. */
  readonly byHost: boolean;
  /** Operations that are under way side by side, 1 to 16; rank 0's counts. */
  readonly numNcclStreams: number;
  /** Nothing is asked for as `cuda-or-host`. */
  readonly tensorsThroughHost: boolean;
}

/** How the engine explains itself. */
export interface NativeDiagnostics {
  /** An operation that some ranks wait for so long is told of by rank 0; 0: never. */
  readonly stallCheckMs: number;
  /** One that they wait for so long breaks the ring; 0: never. */
  readonly stallShutdownMs: number;
  /** Operations that are kept; 0: none. */
  readonly flightRecorderSize: number;
  /** Where they are written when something fails; empty: nowhere. */
  readonly flightRecorderDir: string;
  /** Sums and averages of NaN and infinities fail, on all ranks. */
  readonly checkFinite: boolean;
  /** Data over links travel with a checksum, if one rank says so. */
  readonly checksum: boolean;
  /** Of this rank; empty: no timeline. */
  readonly timelineFile: string;
}

/** How ranks of one host exchange data; `auto` is shared memory where it can be had, and TCP otherwise. */
export type TransportName = 'auto' | 'tcp' | 'shm';

/** Ways to do an allreduce. */
export type AlgorithmName = (typeof algorithmNames)[number];

/** Of one algorithm, whole numbers: a step that waits for another rank, and a byte sent or copied. */
export interface AlgorithmCost {
  readonly stepNanoseconds: number;
  readonly bytePicoseconds: number;
}

/** What the choice of an algorithm goes by. */
export type AlgorithmCosts = Readonly<Record<AlgorithmName, AlgorithmCost>> & {
  /** A byte added to another. */
  readonly combinePicoseconds: number;
};

export interface PeerAddress {
  readonly host: string;
  readonly port: number;
  readonly hostname: string;
  /** Equal for ranks that can share memory. */
  readonly hostId: string;
}

/** What ranks must agree on before data moves, without the data. */
export interface RequestHeader {
  readonly kind: OperationKind;
  readonly name: string;
  readonly dtype: DType;
  /** Only for `allreduce` and `reducescatter`. */
  readonly op?: ReduceOp;
  /** What elements are multiplied by before and after, 1 unless given; only for `allreduce` and `reducescatter`. */
  readonly prescale?: number;
  readonly postscale?: number;
  /** Rows for each rank; only for `alltoall`. */
  readonly splits?: readonly number[];
  /** Only for `broadcast`: its number in the job. */
  readonly rootRank?: number;
  /** Only for an `allreduce` of float32: its elements travel as these; absent: as they are. */
  readonly payload?: PayloadDType;
  /** Where the tensors are; absent: in main memory. `cuda-or-host`: on the GPU, and through main memory where not all ranks can do without. */
  readonly memory?: 'cuda' | 'cuda-or-host';
  /** Of what all have asked for and waits, the largest goes first; absent: 0. Rank 0's counts. */
  readonly priority?: number;
  /** A deadline of its own, past which this operation fails and the ring goes on. */
  readonly timeoutMs?: number;
  /** The variables' names, one a tensor, for messages. */
  readonly labels?: readonly string[];
}

export interface NativeRequest extends RequestHeader {
  /** One shape a tensor; `[]` for a scalar. A group is one operation: it is agreed on and fused as a whole. */
  readonly shapes: readonly (readonly number[])[];
  /** Memory of each tensor; pinned, and to be left alone, until the operation is done. */
  readonly inputs: readonly NumericArray[] | readonly NativeDeviceBuffer[];
  /** Where results go, equal in length to `inputs` (the same array for in place). Absent: the engine provides memory. */
  readonly outputs?: readonly NumericArray[] | readonly NativeDeviceBuffer[];
}

export interface NativeResult {
  /** One shape a tensor. */
  readonly shapes: readonly (readonly number[])[];
  /** The engine's memory, one buffer a tensor; absent where the request brought `outputs`. */
  readonly buffers?: readonly ArrayBuffer[];
  /** Instead of them where the tensors are on a GPU. */
  readonly deviceBuffers?: readonly NativeDeviceBuffer[];
  /** Of an alltoall: how many rows came from each rank. */
  readonly splits?: readonly number[];
  /** Of a join: who came last, by its place in the ring. */
  readonly lastRank?: number;
}

/** One member's place in a ring, in C++. Used from the JS thread that made it. */
export interface NativeSession {
  /** Binds a listener on `host` with a port that the system chooses, and returns the port. */
  listen(host: string): number;
  /** Connects to all peers (index is rank) and starts the engine's threads. @throws RING_CONNECT, RING_HANDSHAKE, RING_TIMEOUT */
  connect(peers: readonly PeerAddress[], timeoutMs: number): Promise<void>;
  /** Does an operation and blocks the calling thread until it is done. */
  run(request: NativeRequest): NativeResult;
  /**
   * As `run` for an allreduce of one array, into `output`, or where that is true into `input`, or else into the engine's memory, which is
   * then returned: made to cost a small part of what `run` costs.
   *
   * @param number - the addon's `reductionNumber` of the dtype and the operation
   */
  reduce(name: string, number: number, input: NumericArray, output?: NumericArray | true): ArrayBuffer | undefined;
  /** As `run` for a barrier, as short. */
  meet(name: string): void;
  /** Hands an operation over and returns its ticket, to be given to `wait` or `promise`. Wrong arguments throw at once. */
  submit(request: NativeRequest): number;
  /** As `submit`, but the tensors come later from the TensorFlow op `TsringStart`, which is given this ticket. */
  prepare(header: RequestHeader): number;
  /** Settles when the ticket's work is done. Ends the ticket, unless it is `prepare`d: then `TsringFinish` does. */
  promise(ticket: number): Promise<NativeResult>;
  /** As `promise`, blocking the calling thread; a promise of the same ticket then brings nothing of use. */
  wait(ticket: number): NativeResult;
  /** Whether the ticket's work is done, well or not. */
  settled(ticket: number): boolean;
  /** How what is asked for as `cuda-or-host` has gone: `cuda`, or `host: ` and why; empty before the first. */
  deviceWay(): string;
  /** The GPU whose tensors may be asked for so, or why there is none. */
  directGpu(): number | string;
  /** What an allreduce of so many bytes is done by; `none` in a ring of one. (Small data of blocking calls travel with the agreement.) */
  algorithm(bytes: number): AlgorithmName | 'none';
  /**
   * Nanoseconds that each of `rounds` float32 sums takes on this rank. All ranks call this at the same time, with the same arguments,
   * while nothing else goes on. @throws RING_INVALID_ARGUMENT when the ranks have no use for the algorithm
   */
  time(what: { readonly algorithm: AlgorithmName; readonly bytes: number; readonly rounds: number }): Float64Array;
  /** How many sockets connect every two ranks for data, once connected; 1 where memory is shared. */
  connectedSockets(): number;
  /** Lets go of memory that no result lies in, kept for operations to come: for where other sizes follow. For this rank alone. */
  trimMemory(): void;
  /**
   * What all agree on from here on goes by the first rank's trial. All ranks call this; blocks until it holds here. `stepCostPercent` is of the
   * costs that the session began with; of more `sockets` than are connected all are used.
   */
  retune(trial: {
    readonly fusionThresholdBytes: number;
    readonly pieceBytes: number;
    readonly stepCostPercent: number;
    readonly sockets: number;
  }): void;
  /** Begins a timeline of this rank in a file. @throws RING_INVALID_ARGUMENT when there is one, or the file cannot be written */
  startTimeline(file: string): void;
  /** Ends it; settles once all is in the file. */
  stopTimeline(): Promise<void>;
  /** Leaves the ring: other ranks' operations fail from here on. Joins the engine's threads. */
  close(): Promise<void>;
}

/** A run of a GPU's memory. Used from the JS thread that made it. */
export interface NativeDeviceBuffer {
  /** On the GPU; 0 for one of no bytes, and for one that was freed. */
  address(): bigint;
  /** Copies all of `array` to `byteOffset`, and blocks until it is there. @throws RING_INVALID_ARGUMENT where it does not fit */
  write(array: NumericArray, byteOffset: number): void;
  /** Fills `array` with what is at `byteOffset`. */
  read(array: NumericArray, byteOffset: number): void;
  /** Lets the memory go, once no operation uses it. */
  free(): void;
}

/** What there is of CUDA and NCCL in this process. */
export interface GpuFacts {
  /** Of CUDA, as the driver tells: 12040 for 12.4. */
  readonly driverVersion?: number;
  /** The names of the GPUs that this process sees. */
  readonly gpus: readonly string[];
  /** Why there is no CUDA. */
  readonly cudaReason?: string;
  /** 22707 for 2.27.7. */
  readonly ncclVersion?: number;
  /** Why there is no NCCL. */
  readonly ncclReason?: string;
}

/** What an allreduce has a rank do and wait for. */
export interface Work {
  /** That wait for another rank. */
  readonly steps: number;
  /** Sent, or copied to or from shared memory. */
  readonly movedBytes: number;
  /** Added to others. */
  readonly combinedBytes: number;
}

export interface NativeAddon {
  readonly version: string;
  /** What `NativeSession.reduce` is given for a dtype and an operation. */
  reductionNumber(dtype: DType, op: ReduceOp): number;
  /** The cost model's account of an allreduce. */
  workOf(allreduce: { readonly algorithm: AlgorithmName; readonly ranks: number; readonly bytes: number }): Work;
  /**
   * Adds `added` to `owed` and takes the elements of largest magnitude out of it, as many as `indices` and `values` have: they become zero
   * there. Of equal ones the first; in ascending order of index.
   */
  takeLargest(owed: Float32Array, added: Float32Array, indices: Int32Array, values: Float32Array): void;
  /** Hands the class of the errors that the addon throws and rejects with. Called once, by load.ts. */
  setErrorClass(errorClass: typeof RingError): void;
  readonly Session: new (options: NativeSessionOptions) => NativeSession;
  /** Allocates memory on GPU `device`, or takes what lies at `address` there. @throws RING_UNSUPPORTED where there is no GPU */
  readonly DeviceBuffer: new (options: {
    readonly device: number;
    readonly bytes: number;
    readonly address?: bigint;
  }) => NativeDeviceBuffer;
  /** Loads the driver and NCCL (by name or path; empty: libnccl.so.2), if they are there. */
  probeGpus(ncclLibrary: string): GpuFacts;
  /** Registers our ops in the TensorFlow that this process has loaded, once. Returns '' or the reason why it cannot. */
  registerTensorflowOps(): string;
}
