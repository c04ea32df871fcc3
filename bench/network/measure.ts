import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseRows } from '../peers/sample.js';
import { compiled } from './compile.js';
import type { EmulatedHosts } from './emulated-hosts.js';
import { runOnHosts } from './run-on-hosts.js';
import { type Settings, type System } from './systems.js';

/** What plain sockets carry on a network, every host sending to the next at the same time. */
export interface Ceiling {
  /** Received by a host, on average. In a ring all links carry equally much, so more than this cannot be had. */
  readonly bytesPerSecond: number;
  /** Of 4 bytes, on average over the hosts. */
  readonly roundTripSeconds: number;
}

export interface Timing {
  readonly bytes: number;
  /** Of the rounds' slowest ranks. */
  readonly medianSeconds: number;
  readonly correct: boolean;
}

export async function measureCeiling(network: EmulatedHosts, seconds: number): Promise<Ceiling> {
  const program = await compiled('plain-streams');
  const hosts = [...Array(network.hosts).keys()];
  const outputs = await runOnHosts(
    network,
    hosts.map((host) => {
      const right = network.address((host + 1) % network.hosts);
      return { host, command: [program, network.address(host), right, '7000', `${seconds}`] };
    }),
    seconds * 1000 + 30_000,
  );
  const figures = outputs.map((line) => line.trim().split(' ').map(Number));
  const mean = (column: number) => figures.reduce((sum, row) => sum + row[column]!, 0) / figures.length;
  return { bytesPerSecond: mean(0), roundTripSeconds: mean(1) / 1e6 };
}

/** One run of one system. @throws what made it fail */
export async function measureSystem(
  network: EmulatedHosts,
  system: System,
  program: string,
  settings: Settings,
  timeoutMs: number,
): Promise<Timing[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tsring-bench-'));
  try {
    return await system.start({ network, program, folder, settings }, async (programs) => {
      const rows = parseRows((await runOnHosts(network, programs, timeoutMs)).join('\n'));
      const missing = settings.sizes.filter((size) => !rows.some((row) => row.bytes === size));
      if (missing.length > 0) throw new Error(`it printed no row for ${missing.join(', ')} bytes`);
      return rows;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
