export { RingError, ringErrorCodes, type RingErrorCode } from './errors.js';
export type { ConfigOptions } from './config.js';
export type { DType, GpuFacts, HalfDType, NumericArray, ReduceOp } from './native/binding.js';
export {
  crossRank,
  crossSize,
  init,
  isInitialized,
  localRank,
  localSize,
  rank,
  shutdown,
  size,
  type Session,
} from './session.js';
export { cudaBuilt, DeviceBuffer, gpuFacts, ncclBuilt } from './device-buffer.js';
export { tensorMemory, type TensorMemory } from './tensors/tensor-memory.js';
export { join, joinSync, type JoinOptions } from './join.js';
export { globalProcessSet, ProcessSet, processSets } from './process-set.js';
export { addProcessSet, removeProcessSet } from './change-process-sets.js';
export { run, type RunOptions } from './run.js';
export type { Same, Value } from './arguments.js';
export {
  allgather,
  allgatherSync,
  allreduce,
  allreduceSync,
  barrier,
  barrierSync,
  broadcast,
  broadcastSync,
  groupedAllgather,
  groupedAllgatherSync,
  groupedAllreduce,
  groupedAllreduceSync,
  type BroadcastOptions,
} from './collectives.js';
export { alltoall, alltoallSync, type AlltoallOptions, type Exchanged } from './collectives/alltoall.js';
export type { Handle } from './collectives/handle.js';
export { allgatherObject, allgatherObjectSync, broadcastObject, broadcastObjectSync } from './collectives/objects.js';
export {
  groupedReducescatter,
  groupedReducescatterSync,
  reducescatter,
  reducescatterSync,
  type ReducescatterOptions,
} from './collectives/reducescatter.js';
export type { NamedOptions } from './collectives/named.js';
export type { Compression, ReduceOptions } from './collectives/reduction.js';
export { sparseAllreduce, sparseAllreduceSync, type Sparse, type SparseOptions } from './collectives/sparse.js';
export { broadcastWeights } from './training/broadcast.js';
export { broadcastOptimizerState } from './training/broadcast-optimizer-state.js';
export * as callbacks from './training/callbacks/index.js';
export * as compressors from './training/compressors/index.js';
export * as data from './data/index.js';
export { distributedGradients, type DistributedGradientsOptions } from './training/distributed-gradients.js';
export {
  DistributedOptimizer,
  type DistributedOptimizerMethods,
  type DistributedOptimizerOptions,
} from './training/distributed-optimizer.js';
export { DistributedSampler, type DistributedSamplerOptions } from './training/distributed-sampler.js';
export { fromRank0 } from './training/from-rank0.js';
export type {
  BucketUnderWay,
  GradientBucket,
  GradientCompressor,
  GradientHook,
} from './training/gradient-compressor.js';
export * as layers from './training/layers/index.js';
export {
  ParameterServerOptimizer,
  type ParameterServerMethods,
  type ParameterServerOptions,
} from './parameter-server/parameter-server-optimizer.js';
export { shard, type ShardOptions } from './training/shard.js';
export type { ReduceGradientsOptions } from './training/reduce-settings.js';
export type { Weights } from './training/weights.js';
export { startTimeline, stopTimeline } from './rank-timeline.js';
export {
  monitoredBarrier,
  monitoredBarrierSync,
  type MonitoredBarrierOptions,
} from './collectives/monitored-barrier.js';
export { accelerate, type AccelerateOptions } from './accelerate/accelerate.js';
