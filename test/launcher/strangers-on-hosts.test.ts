import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { challengeBytes } from '../../lib/net/handshake.js';
import { skipWithoutSshHosts, SshHosts } from '../helpers/ssh-hosts.js';

const script = (name: string) => path.join(import.meta.dirname, '../scripts/launcher', name);
const ssh = 22;

/** A job on hosts h0 to h2, and a stranger on h3 who can reach all of them and has overheard a proof. */
describe('strangers around a job of several hosts', function () {
  this.timeout(60_000);
  let hosts: SshHosts;
  let folder: string;
  let close = () => Promise.resolve();

  before(async function () {
    skipWithoutSshHosts(this);
    folder = mkdtempSync(path.join(tmpdir(), 'tsring-strangers-'));
    hosts = await SshHosts.create(4);
    close = () => hosts.close();
  });
  after(async () => {
    await close();
    if (folder) rmSync(folder, { recursive: true });
  });

  async function scan(addresses: readonly string[]): Promise<{ open: string[] }> {
    const child = stranger(['scan', '', ...addresses]);
    return JSON.parse(await text(child.stdout!)) as { open: string[] };
  }

  async function flood(targets: readonly string[], proof: string) {
    const child = stranger(['flood', proof, ...targets]);
    let said = '';
    child.stdout!.setEncoding('utf8').on('data', (piece: string) => (said += piece));
    await until('the flood is there', () => said.includes('@flooding\n'));
    return {
      async leave(): Promise<{ most: number }> {
        child.stdin!.end();
        await once(child, 'close');
        return JSON.parse(said.trimEnd().split('\n').at(-1)!) as { most: number };
      },
    };
  }

  function stranger(argv: readonly string[]): ChildProcess {
    const command = [process.execPath, script('stranger.mjs'), ...argv] as const;
    return hosts.network.spawn(3, command, { stdio: ['pipe', 'pipe', 'inherit'] });
  }

  it('get nothing from any port, and the job starts, goes on and ends among them', async () => {
    let output = '';
    let tsrunPid = 0;
    const tell = (file: 'go' | 'end') => writeFileSync(path.join(folder, file), '');
    const rounds = () => output.match(/@round/g)?.length ?? 0;
    const job = hosts.tsrun({
      argv: ['-H', 'h0:1,h1:1,h2:1', script('among-strangers.mjs'), folder],
      onOutput: (stdout, pid) => ([output, tsrunPid] = [stdout, pid]),
      timeoutMs: 40_000,
    });
    try {
      // Ranks 0 and 1 listen, beside the store, and wait for rank 2.
      await until('ranks 0 and 1 listen', async () => {
        const ports = [await listening(hosts, 0), await listening(hosts, 1)];
        return output.match(/@overheard \S+\n/g)?.length === 2 && ports[0]!.length === 2 && ports[1]!.length === 1;
      });
      const [, proof] = /@overheard (\S+)\n/.exec(output)!;
      const early = await flood([...(await listening(hosts, 0)), ...(await listening(hosts, 1))], proof!);
      tell('go');
      await until('the job has started', () => rounds() > 0);
      assert.equal((await early.leave()).most, challengeBytes);

      // Now that it runs the store is all that listens.
      const at = (host: number) => hosts.network.address(host);
      const { open } = await scan([at(0), at(1), at(2)]);
      assert.deepEqual(open.sort(), [`${at(1)}:${ssh}`, `${at(2)}:${ssh}`]);
      const ports = (await Promise.all([0, 1, 2].map((host) => listening(hosts, host)))).flat();
      assert.equal(ports.length, 1, ports.join(' '));

      const before = { rounds: rounds(), memoryMb: residentMb(tsrunPid) };
      const late = await flood(ports, proof!);
      let descriptors = 0;
      await until('the job goes on', () => {
        descriptors = Math.max(descriptors, readdirSync(`/proc/${tsrunPid}/fd`).length);
        return rounds() > before.rounds + 50;
      });
      assert(descriptors < 400, `tsrun has ${descriptors} descriptors`);
      const grownMb = residentMb(tsrunPid) - before.memoryMb;
      assert(grownMb < 100, `tsrun takes ${grownMb} MB more`);
      assert.equal((await late.leave()).most, challengeBytes);
    } finally {
      for (const file of ['go', 'end'] as const) tell(file);
    }
    const { code, stderr } = await job;
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
  });
});

/** `address:port` of what listens on a host, but for sshd. */
async function listening({ network }: SshHosts, host: number): Promise<string[]> {
  const child = network.spawn(host, ['cat', '/proc/net/tcp', '/proc/net/tcp6'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const table = await text(child.stdout!);
  const ports = [...table.matchAll(/^ *\d+: \w+:(\w{4}) \w+:0000 0A /gm)].map(([, port]) => parseInt(port!, 16));
  return [...new Set(ports)].filter((port) => port !== ssh).map((port) => `${network.address(host)}:${port}`);
}

function residentMb(pid: number): number {
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    assert(performance.now() < deadline, `not within 20 s: ${what}`);
    await delay(20);
  }
}
