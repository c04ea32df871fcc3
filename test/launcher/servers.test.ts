import assert from 'node:assert/strict';
import { assignRanks } from '../../lib/launcher/assign-ranks.js';
import { dryRun } from '../../lib/launcher/dry-run.js';
import { assignServers } from '../../lib/launcher/servers.js';
import { tsrunPath } from '../helpers/tsrun.js';

describe('parameter servers of a job', () => {
  it('are dealt out in turn to the hosts that have ranks, with numbers of their own', () => {
    const ranks = assignRanks(
      ['a', 'b', 'c'].map((host) => ({ host, slots: 2 })),
      3,
    );
    const places = assignServers(ranks, 3).map(({ host, rank, server, size }) => ({ host, rank, server, size }));
    assert.deepEqual(places, [
      { host: 'a', rank: 3, server: 0, size: 3 },
      { host: 'b', rank: 4, server: 1, size: 3 },
      { host: 'a', rank: 5, server: 2, size: 3 },
    ]);
    assert.deepEqual(assignServers(ranks, 0), []);
  });

  it('are told their place, and ranks that there are some', async () => {
    const plan = await dryRun({ script: tsrunPath, np: 2, servers: 2 });
    assert.match(plan, /^server 1 +\S+ +- +127\.0\.0\.1/m);
    assert.match(plan, /^parameter server 1: .*TSRING_SIZE=2 TSRING_SERVERS=2 .*TSRING_SERVER=1$/m);
    assert.match(plan, /^rank 1: .*TSRING_RANK=1 .*TSRING_SERVERS=2/m);
    assert.doesNotMatch(/^parameter server 1: .*$/m.exec(plan)![0], /TSRING_RANK|TSRING_LOCAL/);
  });
});
