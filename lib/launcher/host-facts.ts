import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { hostname, networkInterfaces } from 'node:os';
import path from 'node:path';
import { hostId } from '../host-id.js';
import { allowedCpus, type Cpu } from './cpus.js';
import { type Gpu, visibleGpus } from './gpus.js';

/** What tsrun must know of a host to place ranks on it. */
export interface HostFacts {
  readonly hostname: string;
  /** Equal only for one and the same host. */
  readonly hostId: string;
  readonly tsringVersion: string;
  /** Of Node. */
  readonly nodeVersion: string;
  readonly platform: string;
  readonly cpus: readonly Cpu[];
  /** Whether ranks can be kept on some of them: there is a taskset. */
  readonly bindsRanks: boolean;
  readonly gpus: readonly Gpu[];
  /** Those that other hosts might reach, in the system's order. */
  readonly interfaces: readonly Interface[];
  /** Of the connection between tsrun and the agent: tsrun's address, and the host's. */
  readonly route?: Route;
  /** Where a cluster runs the agent: what it has given to it. */
  readonly share?: Share;
}

export interface Route {
  readonly from: string;
  readonly to: string;
}

/** A part of a host that a cluster has given to a task. */
export interface Share {
  /** For thread counts; absent where the cluster does not tell. */
  readonly cpus?: number;
  /** As CUDA_VISIBLE_DEVICES spells them; none where the cluster does not deal out GPUs. */
  readonly gpus: readonly string[];
}

export interface Interface {
  readonly name: string;
  readonly address: string;
}

/** @param environment - the ranks': its CUDA_VISIBLE_DEVICES counts */
export function hostFacts(environment: NodeJS.ProcessEnv, route?: Route): HostFacts {
  const { version } = createRequire(import.meta.url)('tsring/package.json') as { version: string };
  return {
    hostname: hostname(),
    hostId: hostId(),
    tsringVersion: version,
    nodeVersion: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cpus: allowedCpus(),
    bindsRanks: isOnPath('taskset', environment['PATH']),
    gpus: visibleGpus(environment),
    interfaces: outerInterfaces(),
    ...(route === undefined ? {} : { route }),
  };
}

/** Without loopback, and without addresses that hold on one link only and need its name. */
export function outerInterfaces(): Interface[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ internal, address }) => !internal && !/^fe80:/i.test(address))
      .map(({ address }) => ({ name, address })),
  );
}

function isOnPath(program: string, folders = ''): boolean {
  return folders.split(path.delimiter).some((folder) => folder !== '' && existsSync(path.join(folder, program)));
}
