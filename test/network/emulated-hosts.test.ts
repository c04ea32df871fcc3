import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { compiled } from '../../bench/network/compile.js';
import { EmulatedHosts } from '../../bench/network/emulated-hosts.js';
import { allowedCpus } from '../../lib/launcher/cpus.js';
import { parseCpuList } from '../../lib/processors.js';
import { skipWithoutNetworks } from '../helpers/netns.js';

describe('emulated hosts', function () {
  before(function () {
    skipWithoutNetworks(this);
  });

  for (const { rateMbit, delayUs } of [
    { rateMbit: 200, delayUs: 0 },
    { rateMbit: 200, delayUs: 2000 },
  ]) {
    it(`${rateMbit} Mbit/s with ${delayUs} us one way are what they say`, async () => {
      await using network = await EmulatedHosts.create({ hosts: 2, rateMbit, delayUs });
      const program = await compiled('plain-streams');
      const lines = await Promise.all(
        [0, 1].map((host) => {
          const args = [network.address(host), network.address(1 - host), '7000', '1.5'] as const;
          return text(network.spawn(host, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout!);
        }),
      );
      for (const [bytesPerSecond, roundTripUs] of lines.map((line) => line.split(' ').map(Number))) {
        assert.ok(bytesPerSecond! < 1.05 * rateMbit * 125_000, `faster than the rate: ${bytesPerSecond} B/s`);
        assert.ok(bytesPerSecond! > 0.5 * rateMbit * 125_000, `far below the rate: ${bytesPerSecond} B/s`);
        assert.ok(roundTripUs! >= 2 * delayUs, `faster than the delay: ${roundTripUs} us there and back`);
      }
    });
  }

  it('hosts reach each other, and nothing else', async () => {
    await using network = await EmulatedHosts.create({ hosts: 2, rateMbit: 100 });
    const routes = await text(network.spawn(0, ['ip', 'route'], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout!);
    assert.deepEqual(routes.trim().split('\n').length, 1, routes);
    assert.match(routes, /^10\.231\.77\.0\/24 dev lab0 /);
  });

  it('hosts with processors of their own share out those of this machine', async () => {
    await using network = await EmulatedHosts.create({ hosts: 3, rateMbit: 100, ownCpus: true });
    const shown = async (host: number) => {
      const child = network.spawn(host, ['sh', '-c', 'taskset --cpu-list --pid $$'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      return parseCpuList((await text(child.stdout!)).split(': ')[1]!);
    };
    const shares = await Promise.all([0, 1, 2].map(shown));
    const cpus = allowedCpus().map(({ cpu }) => cpu);
    assert.ok(shares.every((share) => share.length >= 1 && share.length <= Math.ceil(cpus.length / 3)), JSON.stringify(shares)); // prettier-ignore
    assert.deepEqual(
      [...new Set(shares.flat())].sort((a, b) => a - b),
      cpus,
    );
  });

  it('a host that is cut off hears nothing, and after mending all', async () => {
    await using network = await EmulatedHosts.create({ hosts: 2, rateMbit: 100 });
    const program = await compiled('plain-streams');
    const meet = async () => {
      const children = [0, 1].map((host) => {
        const args = [network.address(host), network.address(1 - host), '7000', '0.1'] as const;
        return network.spawn(host, [program, ...args], { stdio: 'ignore', timeout: 2000 });
      });
      return Promise.all(children.map(async (child) => ((await once(child, 'exit')) as [number | null])[0]));
    };
    assert.deepEqual(await meet(), [0, 0]);
    network.cut(1);
    assert.deepEqual(await meet(), [null, null], 'ended by the timeout');
    network.mend(1);
    assert.deepEqual(await meet(), [0, 0]);
  });

  it('are gone after close, with what ran in them', async () => {
    const before = namespaces();
    const network = await EmulatedHosts.create({ hosts: 2, rateMbit: 100, delayUs: 500 });
    const sleeper = network.spawn(1, ['sleep', '60'], { stdio: 'ignore' });
    await once(sleeper, 'spawn');
    assert.equal(namespaces().length, before.length + 3);
    const ended = once(sleeper, 'exit');
    await network.close();
    const [, signal] = (await ended) as [null, NodeJS.Signals];
    assert.equal(signal, 'SIGKILL');
    assert.deepEqual(namespaces(), before);
  });

  it('are gone after their process was killed', async () => {
    const module = fileURLToPath(new URL('../../bench/network/emulated-hosts.ts', import.meta.url));
    const program = `
      import { EmulatedHosts } from ${JSON.stringify(module)};
      const network = await EmulatedHosts.create({ hosts: 2, rateMbit: 100 });
      network.spawn(0, ['sleep', '60'], { stdio: 'ignore' });
      console.log(process.pid);
      setTimeout(() => undefined, 60_000);`;
    const args = ['--import', 'tsx', '--input-type', 'module', '--eval', program];
    const owner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [pid] = (await once(owner.stdout, 'data')) as [Buffer];
    const own = () => namespaces().filter((name) => name.startsWith(`tsring-${pid.toString().trim()}-`));
    assert.equal(own().length, 3);
    owner.kill('SIGKILL');
    await until(() => own().length === 0, 5000);
  });

  it('of a process that died together with its remover: removed when the next ones are made', async () => {
    execFileSync('ip', ['netns', 'add', 'tsring-1-1-0-0']); // process 1 started at another time
    await using network = await EmulatedHosts.create({ hosts: 2, rateMbit: 100 });
    assert.equal(network.hosts, 2);
    assert.ok(!namespaces().includes('tsring-1-1-0-0'));
  });
});

function namespaces(): string[] {
  return readdirSync('/run/netns')
    .filter((name) => name.startsWith('tsring-'))
    .sort();
}

async function until(condition: () => boolean, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `not within ${timeoutMs} ms`);
    await delay(20);
  }
}
