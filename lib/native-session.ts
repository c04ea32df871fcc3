import os from 'node:os';
import path from 'node:path';
import type { Config } from './config.js';
import type { NativeDiagnostics, NativeSession, NativeSessionOptions } from './native/binding.js';
import { loadAddon } from './native/load.js';
import { ncclLibrary } from './nccl-library.js';
import { timelinePart } from './timeline/part.js';
import { Autotuner } from './tuning/autotuner.js';
import { readCosts } from './tuning/file.js';
import { trialLogIn, type TrialLog } from './tuning/trial-log.js';
import { mostSockets } from './tuning/trial-search.js';

/** A session of the engine that is not linked up yet: of the job or, with a `parent` and the numbers of its ranks, of a process set. */
export function openNative(
  config: Config,
  generation: number,
  set: Pick<NativeSessionOptions, 'parent' | 'members'> = {},
): NativeSession {
  const { Session } = loadAddon();
  return new Session({
    rank: config.rank,
    size: config.size,
    jobId: config.rendezvous?.jobId ?? 'alone',
    secret: config.rendezvous?.secret ?? new Uint8Array(32), // of no use to a rank that has no peers
    generation,
    hostname: os.hostname(),
    timeoutMs: config.timeoutMs,
    heartbeatTimeoutMs: config.heartbeatTimeoutMs,
    fusionThresholdBytes: config.fusionThresholdBytes,
    cacheCapacity: config.cacheCapacity,
    transport: config.transport,
    sockets: config.sockets,
    mostSockets:
      autotunes(config) && set.members === undefined ? Math.max(config.sockets, mostSockets) : config.sockets,
    encrypt: config.encrypt,
    ...chosenBy(config),
    gpu: {
      device: config.localRank,
      ncclLibrary: ncclLibrary(config.ncclLib),
      byHost: config.hierarchicalAllreduce,
      numNcclStreams: config.numNcclStreams,
      tensorsThroughHost: config.gpuTensors === 'host',
    },
    logLevel: config.logLevel,
    diagnostics: diagnosticsOf(config, set.members !== undefined),
    ...set,
  });
}

/** The pieces that the engine begins with, on links. */
const firstPieceBytes = 256 << 10;

/** What `autotunerOf` wants on rank 0, begun before the ring is joined: that it cannot be written should end the job at once. */
export function autotuneLogOf(config: Config): TrialLog | undefined {
  const { rank, autotuneLogFile: file } = config;
  return autotunes(config) && rank === 0 && file !== undefined ? trialLogIn(path.resolve(file)) : undefined;
}

/** @param native - linked up */
export function autotunerOf(config: Config, native: NativeSession, log?: TrialLog): Autotuner | undefined {
  if (!autotunes(config)) return undefined;
  const { fusionThresholdBytes } = config;
  const sockets = Math.min(config.sockets, native.connectedSockets()); // one where memory is shared
  const first = { fusionThresholdBytes, pieceBytes: firstPieceBytes, stepCostPercent: 100, sockets };
  const sizes = { warmupSamples: config.autotuneWarmupSamples, stepsPerSample: config.autotuneStepsPerSample };
  return new Autotuner(native, first, sizes, log);
}

function autotunes({ autotune, size }: Config): boolean {
  return autotune && size > 1;
}

/** A process set is on the job's timeline. */
function diagnosticsOf(config: Config, isSet: boolean): NativeDiagnostics {
  const { flightRecorderDir, timeline } = config;
  return {
    stallCheckMs: Math.round(config.stallCheckTimeSeconds * 1000),
    stallShutdownMs: Math.round(config.stallShutdownTimeSeconds * 1000),
    flightRecorderSize: config.flightRecorderSize,
    flightRecorderDir: flightRecorderDir === undefined ? '' : path.resolve(flightRecorderDir),
    checkFinite: config.checkFinite,
    checksum: config.checksum,
    timelineFile: timeline === undefined || isSet ? '' : timelinePart(path.resolve(timeline), config.rank),
  };
}

/** What algorithms are chosen by. Only rank 0's counts, so only rank 0 reads the tuning file. */
function chosenBy({
  rank,
  algorithm,
  tuningFile,
}: Config): Pick<NativeSessionOptions, 'algorithm' | 'costs' | 'costsSource'> {
  if (algorithm !== 'auto') return { algorithm };
  const measured = rank === 0 ? readCosts(tuningFile) : undefined;
  return measured === undefined ? {} : { costs: measured.costs, costsSource: `measured, ${measured.file}` };
}
