import assert from 'node:assert/strict';
import { EmulatedHosts } from '../../bench/network/emulated-hosts.js';
import { skipWithoutNetworks, startOnHosts } from '../helpers/netns.js';
import { type Fakes, fakesOrSkip } from './fakes.js';

interface Sums {
  readonly digest: string;
  readonly sums: readonly number[];
  readonly moved: unknown;
}

// Four real processes on two emulated hosts, on a fake driver and a fake NCCL; no GPU is involved.
describe('operations on GPUs of several hosts, on fakes', function () {
  let fakes: Fakes;
  let network: EmulatedHosts | undefined;
  before(async function () {
    fakes = fakesOrSkip(this);
    skipWithoutNetworks(this);
    network = await EmulatedHosts.create({ hosts: 2, rateMbit: 1000 });
  });
  after(async () => network?.close());

  const start = (mode: string, env: Record<string, string>) =>
    startOnHosts(network!, {
      ranksPerHost: [2, 2],
      script: 'scripts/gpu-hosts.ts',
      args: [mode],
      env: { ...fakes.env, TSRING_FLIGHT_RECORDER_SIZE: '0', ...env },
      timeoutMs: 50_000,
    });

  it('NCCL inside each host alone comes to what NCCL among all does, but for the order of sums', async () => {
    const results = async (hierarchicalAllreduce: string) => {
      const ends = await start('sums', { TSRING_HIERARCHICAL_ALLREDUCE: hierarchicalAllreduce });
      return ends.map(({ result, stderr }) => (assert.ok(result, stderr), result as Sums));
    };
    const [flat, twoLevels] = [await results('0'), await results('1')];
    for (const { digest, moved } of twoLevels) {
      assert.equal(digest, twoLevels[0]!.digest, 'all ranks have the same bits');
      assert.deepEqual(moved, flat[0]!.moved);
    }
    twoLevels[0]!.sums.forEach((sum, index) => {
      // Four values of up to 16^3, added in another order: two roundings of float32 more or less.
      assert.ok(Math.abs(sum - flat[0]!.sums[index]!) <= 4 * 4096 * 2 ** -23, `${sum} ${flat[0]!.sums[index]}`);
    });
  });

  it('a rank that is killed: all others end, on both hosts', async () => {
    const ends = await start('killed', { TSRING_HIERARCHICAL_ALLREDUCE: '1' });
    for (const { rank, result, stderr } of ends.filter(({ rank }) => rank !== 3)) {
      const { code, message } = (result ?? { code: stderr }) as { code: string; message: string };
      assert.equal(code, 'RING_PEER_LOST', `rank ${rank}: ${message}`);
      assert.match(message, /rank 3/);
    }
  });
});
