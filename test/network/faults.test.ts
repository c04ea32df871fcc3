import assert from 'node:assert/strict';
import { EmulatedHosts } from '../../bench/network/emulated-hosts.js';
import { skipWithoutNetworks, startOnHosts } from '../helpers/netns.js';
import type { Caught } from '../scripts/report.js';

describe('faults of the network', function () {
  before(function () {
    skipWithoutNetworks(this);
  });

  for (const { cut, form } of [
    { cut: 2, form: 'blocking' },
    { cut: 0, form: 'promise' },
  ]) {
    it(`host ${cut} of 4 falls silent (${form}): every rank learns of it by the heartbeat timeout, and a rank is named`, async () => {
      await using network = await EmulatedHosts.create({ hosts: 4, rateMbit: 1000 });
      let cutAt = 0;
      const ends = await startOnHosts(network, {
        ranksPerHost: [1, 1, 1, 1],
        script: 'scripts/reduce-until-lost.ts',
        args: [form],
        env: { TSRING_HEARTBEAT_TIMEOUT_MS: '1500' },
        onReady: () => {
          network.cut(cut);
          cutAt = Date.now();
        },
        timeoutMs: 30_000,
      });
      for (const { rank, result, stderr } of ends) {
        const { code, message, at } = result as Caught;
        assert.match(code, /^RING_(PEER_LOST|TIMEOUT)$/, `rank ${rank}: ${message} ${stderr}`);
        // Whoever is cut off sees the coordinator vanish; the others hear of whom it lost.
        const named = cut === 0 || rank === cut ? /rank \d/ : new RegExp(`rank ${cut} `);
        assert.match(message, named, `rank ${rank}`);
        assert.ok(at - cutAt < 10_000, `rank ${rank} learned of it after ${at - cutAt} ms`);
      }
    });
  }

  it('a silence shorter than the heartbeat timeout: the job goes on', async () => {
    await using network = await EmulatedHosts.create({ hosts: 3, rateMbit: 20 });
    const ends = await startOnHosts(network, {
      ranksPerHost: [1, 1, 1],
      script: 'scripts/slow-reduce.ts',
      args: [String(512 * 1024)],
      env: { TSRING_HEARTBEAT_TIMEOUT_MS: '8000' },
      onReady: () => {
        network.cut(1);
        setTimeout(() => network.mend(1), 1000);
      },
      timeoutMs: 30_000,
    });
    for (const { result, stderr } of ends)
      assert.equal((result as { right?: boolean } | undefined)?.right, true, stderr);
  });

  it('a slow network: a sum that takes longer than the heartbeat timeout is finished, and nobody is taken for dead', async () => {
    await using network = await EmulatedHosts.create({ hosts: 3, rateMbit: 20 });
    const ends = await startOnHosts(network, {
      ranksPerHost: [1, 1, 1],
      script: 'scripts/slow-reduce.ts',
      args: [String(1024 * 1024)],
      env: { TSRING_HEARTBEAT_TIMEOUT_MS: '1000' },
      timeoutMs: 30_000,
    });
    for (const { result, stderr } of ends) {
      const { right, ms } = result as { right: boolean; ms: number };
      assert.equal(right, true, stderr);
      assert.ok(ms > 1500, `too fast to show anything: ${ms} ms`);
    }
  });

  it('a host killed with all its ranks: the others know long before its silence would tell', async () => {
    await using network = await EmulatedHosts.create({ hosts: 2, rateMbit: 1000 });
    let killedAt = 0;
    const ends = await startOnHosts(network, {
      ranksPerHost: [2, 2],
      script: 'scripts/reduce-until-lost.ts',
      args: ['blocking'],
      onReady: (ranks) => {
        for (const rank of ranks.slice(2)) rank.kill('SIGKILL');
        killedAt = Date.now();
      },
      timeoutMs: 30_000,
    });
    for (const { result, stderr } of ends.slice(0, 2)) {
      const { code, message, at } = result as Caught;
      assert.equal(code, 'RING_PEER_LOST', message + stderr);
      assert.match(message, /rank [23] /);
      assert.ok(at - killedAt < 10_000, `learned of it after ${at - killedAt} ms`);
    }
  });
});
