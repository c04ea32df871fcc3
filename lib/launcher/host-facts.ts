import { createRequire } from 'node:module';
import { hostname, networkInterfaces } from 'node:os';
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
  readonly gpus: readonly Gpu[];
  /** Those that other hosts might reach, in the system's order. */
  readonly interfaces: readonly Interface[];
  /** Of the ssh connection that the agent was started by: the caller's address and the one that it called. */
  readonly route?: { readonly from: string; readonly to: string };
}

export interface Interface {
  readonly name: string;
  readonly address: string;
}

/** @param environment - the ranks': its CUDA_VISIBLE_DEVICES counts */
export function hostFacts(environment: NodeJS.ProcessEnv): HostFacts {
  const { version } = createRequire(import.meta.url)('tsring/package.json') as { version: string };
  const [from, , to] = (process.env['SSH_CONNECTION'] ?? '').split(' ');
  return {
    hostname: hostname(),
    hostId: hostId(),
    tsringVersion: version,
    nodeVersion: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cpus: allowedCpus(),
    gpus: visibleGpus(environment),
    interfaces: outerInterfaces(),
    ...(from && to ? { route: { from, to } } : {}),
  };
}

/** Without loopback, and without addresses that hold on one link only and need its name. */
function outerInterfaces(): Interface[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ internal, address }) => !internal && !/^fe80:/i.test(address))
      .map(({ address }) => ({ name, address })),
  );
}
