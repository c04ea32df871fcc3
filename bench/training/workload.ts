import path from 'node:path';
import type { EmulatedHosts } from '../network/emulated-hosts.js';
import { packageRoot } from '../peers/parts.js';
import type { Command } from '../peers/run-processes.js';
import { processorsOfRanks } from './processors.js';

/** A model and how it is trained: `inception_v1:4:224:5` is batch 4, 224 pixels, 5 timed steps. */
export interface Workload {
  readonly model: string;
  readonly batch: number;
  readonly imageSize: number;
  readonly steps: number;
  readonly warmup: number;
}

export interface Start {
  readonly ranks: number;
  readonly workload: Workload;
  /** Of TensorFlow, for each rank. */
  readonly threads: number;
  /** Python with TensorFlow and Horovod; only peers use it. */
  readonly python: string;
  /** A host for each rank; undefined: all are on this machine. */
  readonly network: EmulatedHosts | undefined;
  /** Real images, for a system that wants them. */
  readonly images: string | undefined;
}

/** Runs `body` with the programs of one run, and ends what it has started beside them. */
export type Launch = <T>(start: Start, body: (commands: Command[]) => Promise<T>) => Promise<T>;

// A larger one takes VGG19, which has no batch normalization, to NaN within a few steps.
const learningRate = '0.001';
const peerProgram = path.join(packageRoot, 'bench', 'training', 'programs', 'tensorflow_peer.py');

/** The arguments of a rank, ours or a peer's. */
export function flagsOf({ model, batch, imageSize, steps, warmup }: Workload): string[] {
  const flags = { model, batch_size: batch, image_size: imageSize, num_batches: steps, num_warmup_batches: warmup };
  return [
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, `${value}`]),
    ...['--learning_rate', learningRate],
  ];
}

export function peerArguments(
  system: string,
  { workload, ranks, threads, network }: Start,
  flags: readonly string[],
): string[] {
  const processors = network ? [] : processorsOfRanks(ranks, threads); // an emulated host has its own
  const bind = processors.length === 0 ? [] : ['--processors', processors.join(':')];
  return [peerProgram, '--system', system, ...flagsOf(workload), ...bind, ...flags];
}

/** Of every rank. */
export function environment(threads: number): Record<string, string> {
  const count = `${threads}`;
  return { TF_NUM_INTRAOP_THREADS: count, TF_NUM_INTEROP_THREADS: count, TF_CPP_MIN_LOG_LEVEL: '3' };
}

/** A program to be started in a host. */
export function onHost(
  network: EmulatedHosts,
  host: number,
  command: readonly [string, ...string[]],
  env: Command['env'],
): Command {
  const [program, ...args] = network.inHost(host, command);
  return { program, args, env };
}

export function hostsOf(network: EmulatedHosts): number[] {
  return [...Array(network.hosts).keys()];
}
