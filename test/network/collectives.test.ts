import assert from 'node:assert/strict';
import { EmulatedHosts } from '../../bench/network/emulated-hosts.js';
import type { RankEnd } from '../helpers/start-ranks.js';
import { skipWithoutNetworks, startOnHosts } from '../helpers/netns.js';

describe('collectives across hosts', function () {
  let network: EmulatedHosts;
  before(async function () {
    skipWithoutNetworks(this);
    network = await EmulatedHosts.create({ hosts: 4, rateMbit: 1000 });
  });
  after(async () => (network as EmulatedHosts | undefined)?.close());

  for (const ranksPerHost of [
    [1, 1, 1, 1],
    [2, 2],
    [2, 1],
  ]) {
    const where = `${ranksPerHost.join(' + ')} ranks`;

    it(`${where}: every operation gives what it must`, async () => {
      const script = 'scripts/random-operations.ts';
      const ends = await startOnHosts(network, { ranksPerHost, script, args: ['11', '40'], timeoutMs: 40_000 });
      checkedOperations(ends);
    });

    it(`${where}: the same bits on every rank`, async () => {
      const ends = await startOnHosts(network, {
        ranksPerHost,
        script: 'scripts/allreduce-digest.ts',
        timeoutMs: 40_000,
      });
      sameDigest(ends);
    });
  }

  it('the same bits from run to run', async () => {
    const options = { ranksPerHost: [2, 1, 1], script: 'scripts/allreduce-digest.ts', timeoutMs: 40_000 };
    sameDigest([...(await startOnHosts(network, options)), ...(await startOnHosts(network, options))]);
  });

  it('hosts with a delay between them', async () => {
    await using far = await EmulatedHosts.create({ hosts: 3, rateMbit: 1000, delayUs: 1000 });
    const script = 'scripts/random-operations.ts';
    const ends = await startOnHosts(far, { ranksPerHost: [1, 1, 1], script, args: ['5', '40'], timeoutMs: 40_000 });
    checkedOperations(ends);
  });
});

/** Three forms of each of the 40 operations that go over all ranks, and of those of the process sets that a rank is in. */
function checkedOperations(ends: readonly RankEnd[]): void {
  for (const { result, stderr } of ends) {
    const { operations } = (result ?? {}) as { operations?: number };
    assert.ok(operations !== undefined && operations >= 40 && operations <= 120, `${operations}\n${stderr}`);
  }
}

function sameDigest(ends: readonly RankEnd[]): void {
  for (const { result, stderr } of ends) {
    assert.equal(typeof result, 'string', stderr);
    assert.equal(result, ends[0]!.result);
  }
}
