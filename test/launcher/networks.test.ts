import assert from 'node:assert/strict';
import path from 'node:path';
import { skipWithoutSshHosts, SshHosts } from '../helpers/ssh-hosts.js';

const script = (name: string) => path.join(import.meta.dirname, '../scripts/launcher', name);

/** Hosts whose networks are not all alike, or slow. */
describe('tsrun and the networks of hosts', function () {
  this.timeout(60_000);
  before(function () {
    skipWithoutSshHosts(this);
  });

  it('of two interfaces takes the one by which all hosts reach a host, or says who does not and where', async () => {
    await using hosts = await SshHosts.create(3);
    hosts.network.addWire(0, 1);
    // By this address h0 reaches h1, and h2 does not.
    const h1 = hosts.network.secondAddress(1);
    const found = await hosts.tsrun({ argv: ['-H', `h0:1,${h1}:1,h2:1`, '--verbose', script('ring.mjs')] });
    assert.equal(found.code, 0, found.stderr);
    assert.match(found.stderr, /^tsrun: 0 .* 10\.231\.77\.1 .*\n.*^tsrun: 1 +10\.231\.78\.2 .* 10\.231\.77\.2 /m);
    assert.equal(found.stdout.match(/"sum":6\b/g)?.length, 3);

    const flags = ['--network-interfaces', 'lab1,lab0'];
    const refused = await hosts.tsrun({ argv: ['-H', `h0:1,${h1}:1,h2:1`, ...flags, script('ring.mjs')] });
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /^tsrun: host h2 cannot reach host \S+ \(10\.231\.78\.[12]:\d+: \w+\); check firewalls, or name an interface with --network-interfaces$/m,
    );
  });

  it('on a slow link takes nobody for dead, and passes on all that is printed', async () => {
    await using hosts = await SshHosts.create(3, { rateMbit: 10 });
    const run = await hosts.tsrun({
      argv: ['-H', 'h0:1,h1:1,h2:1', '--heartbeat-timeout-ms', '3000', script('much-traffic.mjs'), '3', '5000'],
      timeoutMs: 50_000,
    });
    assert.equal(run.code, 0, run.stderr);
    assert.equal(run.stdout.match(/^\[\d+\]<stdout>:line /gm)?.length, 3 * 3 * 5000);
    assert.equal(run.stdout.match(/@right/g)?.length, 3);
  });
});
