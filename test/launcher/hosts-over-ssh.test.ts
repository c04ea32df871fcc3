import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { skipWithoutSshHosts, SshHosts, type SshRun } from '../helpers/ssh-hosts.js';

const script = (name: string) => path.join(import.meta.dirname, '../scripts/launcher', name);
const ring = script('ring.mjs');
const lastLine = (text: string) => text.trimEnd().split('\n').at(-1) ?? '';

interface Place {
  readonly rank: number;
  readonly host: string;
  readonly localRank: number;
  readonly crossRank: number;
  readonly crossSize: number;
  readonly sum: number;
}

function places({ stdout }: SshRun): Place[] {
  const results = [...stdout.matchAll(/^\[\d+\]<stdout>:@result (.*)$/gm)];
  return results.map(([, json]) => JSON.parse(json!) as Place).sort((a, b) => a.rank - b.rank);
}

/** Real sshd's on emulated hosts h0 to h3; tsrun runs on h0. */
describe('tsrun over ssh', function () {
  this.timeout(60_000);
  let hosts: SshHosts;
  let close = () => Promise.resolve();

  before(async function () {
    skipWithoutSshHosts(this);
    hosts = await SshHosts.create(4);
    close = () => hosts.close();
  });
  after(() => close());
  afterEach('leaves nothing behind on any host', async () => {
    const deadline = performance.now() + 5000;
    for (;;) {
      const left = [0, 1, 2, 3].flatMap((host) => hosts.processes(host));
      if (left.length === 0) return;
      assert.ok(performance.now() < deadline, `left behind: ${left.join('\n')}`);
      await delay(50);
    }
  });

  it('runs 4 hosts with 2 ranks each as one ring, and lets each know its place', async () => {
    const run = await hosts.tsrun({ argv: ['-H', 'h0:2,h1:2,h2:2,h3:2', ring] });
    assert.equal(run.code, 0, run.stderr);
    const told = places(run);
    assert.deepEqual(
      told.map(({ localRank, crossRank, crossSize, sum }) => [localRank, crossRank, crossSize, sum]),
      [0, 1, 2, 3, 4, 5, 6, 7].map((rank) => [rank % 2, Math.floor(rank / 2), 4, 36]),
    );
    assert.deepEqual(
      told.slice(2).map(({ host }) => host),
      ['h1', 'h1', 'h2', 'h2', 'h3', 'h3'],
    );
    assert.equal(run.stderr, '');
  });

  it('deals ranks out with --map-by node, from a hostfile, and tells the addresses with --verbose', async () => {
    const hostfile = path.join(hosts.folder, 'hostfile');
    writeFileSync(hostfile, '# the lab\nh1 slots=2 max_slots=2\nh2 slots = 1\n');
    const run = await hosts.tsrun({ argv: ['--hostfile', hostfile, '-map-by', 'node', '--verbose', ring] });
    assert.equal(run.code, 0, run.stderr);
    assert.deepEqual(
      places(run).map(({ host, sum }) => [host, sum]),
      [
        ['h1', 6],
        ['h2', 6],
        ['h1', 6],
      ],
    );
    assert.match(run.stderr, /^tsrun: 1 +h2 +0 of 1 +10\.231\.77\.3 +any/m);
    assert.match(run.stderr, /hosts have different numbers of ranks: 1, 2/);
  });

  it('takes the environment along, and keeps the secret out of every command line and environment', async () => {
    const env = { FROM_HERE: 'yes' };
    const argv = ['-H', 'h1:1,h2:1', '-x', 'NAMED=a b', script('secret.ts')];
    const run = await hosts.tsrun({ argv, env });
    assert.equal(run.code, 0, run.stderr);
    const told = [...run.stdout.matchAll(/@result (.*)$/gm)].map(
      ([, json]) => JSON.parse(json!) as { secret: string; leaks: number },
    );
    assert.equal(told.length, 2);
    for (const { secret, leaks } of told) assert.deepEqual([secret, leaks], [told[0]!.secret, 0]);
    const tell = await hosts.tsrun({ argv: ['-H', 'h1:1', '-x', 'NAMED=a b', script('tell.mjs')], env });
    const { env: got, cwd } = JSON.parse(/@result (.*)$/m.exec(tell.stdout)![1]!) as {
      env: Record<string, string>;
      cwd: string;
    };
    assert.deepEqual([got['FROM_HERE'], got['NAMED'], cwd], ['yes', 'a b', process.cwd()]);
  });

  it('passes much output on whole, from several hosts', async () => {
    const run = await hosts.tsrun({ argv: ['-H', 'h1:1,h2:1', script('burst.mjs'), '5000'] });
    assert.equal(run.code, 0, run.stderr.slice(-500));
    const count = (text: string, rank: number) =>
      text.split('\n').filter((line) => line.startsWith(`[${rank}]<`)).length;
    for (const rank of [0, 1]) assert.equal(count(run.stdout, rank) + count(run.stderr, rank), 5001);
  });

  it('writes what ranks of all hosts print to files here with --output-filename, and nothing to the terminal', async () => {
    const folder = path.join(hosts.folder, 'output');
    const argv = ['-H', 'h0:1,h1:1,h2:1', '--output-filename', folder, script('burst.mjs'), '500'];
    const { code, stdout, stderr } = await hosts.tsrun({ argv });
    assert.deepEqual([code, stdout, stderr], [0, '', '']);
    for (const rank of [0, 1, 2]) {
      const files = ['stdout', 'stderr'].map((name) => readFileSync(path.join(folder, `rank.${rank}`, name), 'utf8'));
      assert.equal(files.join('').match(/\n/g)?.length, 501, `rank ${rank}`);
    }
  });

  it('runs two jobs at once on the same hosts, each a ring of its own', async () => {
    const jobs = await Promise.all(['h1:2,h2:1', 'h2:2,h1:2'].map((list) => hosts.tsrun({ argv: ['-H', list, ring] })));
    for (const [index, size] of [3, 4].entries()) {
      const { code, stdout, stderr } = jobs[index]!;
      assert.equal(code, 0, stderr);
      const sums = [...stdout.matchAll(/"size":(\d+),.*"sum":(\d+)/g)].map(([, of, sum]) => [Number(of), Number(sum)]);
      assert.deepEqual(sums, Array(size).fill([size, (size * (size + 1)) / 2]));
    }
  });

  it('ends all hosts with the code of the first rank that fails', async () => {
    const run = await hosts.tsrun({ argv: ['-H', 'h0:1,h1:1,h2:1', script('end.mjs'), 'wait', 'wait', '3@100'] });
    assert.equal(run.code, 3);
    assert.match(
      lastLine(run.stderr),
      /^tsrun: rank 2 \(pid \d+, host h2\) exited with code 3; the other ranks were stopped$/,
    );
    assert(run.elapsedMs < 15_000, `${run.elapsedMs} ms`);
  });

  it('says with which command a host cannot be reached, and what that said', async () => {
    hosts.kill(3);
    const down = await hosts.tsrun({ argv: ['-H', 'h1:1,h3:1', ring] });
    assert.equal(down.code, 1);
    assert.match(
      down.stderr,
      /^tsrun: host h3: ssh ended with 255: .*port 22: .* \(the command: ssh .* h3 'exec .*agent\.js'\)$/m,
    );
    await hosts.restart(3);

    const key = path.join(hosts.folder, 'wrong');
    const refused = await hosts.tsrun({ argv: ['-H', 'h1:1', '--ssh-identity-file', key, ring] });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^tsrun: host h1: ssh ended with 255: .*Permission denied .*-i .*wrong h1/m);
    const unknown = await hosts.tsrun({ argv: ['-H', 'h77:1', ring] });
    assert.match(unknown.stderr, /^tsrun: host h77: .*Could not resolve hostname h77/m);
  });

  it('gives up on a host that does not answer, after --start-timeout', async () => {
    hosts.network.cut(2);
    try {
      const run = await hosts.tsrun({ argv: ['-H', 'h1:1,h2:1', '--start-timeout', '2', ring] });
      assert.equal(run.code, 1);
      assert.match(run.stderr, /^tsrun: host h2: (no answer within 2000 ms|ssh ended with 255: .*timed out)/m);
      assert(run.elapsedMs < 20_000, `${run.elapsedMs} ms`);
    } finally {
      hosts.network.mend(2);
    }
  });

  it('ends the job when a host dies in the middle', async () => {
    let killedAt = 0;
    const run = await hosts.tsrun({
      argv: ['-H', 'h0:1,h1:2,h3:2', ring, 'hold'],
      onOutput: onceReady(5, () => {
        hosts.kill(3);
        killedAt = performance.now();
      }),
    });
    assert.equal(run.code, 1, run.stderr);
    assert.match(lastLine(run.stderr), /^tsrun: host h3 is lost: ssh ended with 255.*; the other ranks were stopped$/);
    assert(performance.now() - killedAt < 15_000);
    await hosts.restart(3);
  });

  it('notices by keep-alive that a host is cut off, and the host ends its ranks by itself', async () => {
    try {
      const run = await hosts.tsrun({
        argv: ['-H', 'h1:1,h2:1', '--heartbeat-timeout-ms', '1500', ring, 'hold'],
        onOutput: onceReady(2, () => hosts.network.cut(2)),
      });
      assert.notEqual(run.code, 0);
      // tsrun and the rank on h1 both notice; the first of them ends the job.
      assert.match(
        run.stderr,
        /^tsrun: host h2 is lost: it has been silent for 1500 ms|^.*RING_(PEER_LOST|TIMEOUT): .*rank 1[^]*^tsrun: rank 0 .* exited with code 1/m,
      );
      // afterEach sees that h2's ranks have gone, though nobody could tell them to
      const deadline = performance.now() + 8000;
      while (hosts.processes(2).length > 0 && performance.now() < deadline) await delay(50);
    } finally {
      hosts.network.mend(2);
    }
  });

  it('ends the ranks elsewhere when tsrun itself is killed', async () => {
    const { code } = await hosts.tsrun({
      argv: ['-H', 'h1:2,h2:1', ring, 'hold'],
      onOutput: onceReady(3, (pid) => process.kill(pid, 'SIGKILL')),
    });
    assert.equal(code, null);
  });

  it('refuses what cannot be: a host twice, an interface that is not there', async () => {
    const [twice, interfaces] = await Promise.all([
      hosts.tsrun({ argv: ['-H', `h1:1,${hosts.network.address(1)}:1`, ring] }),
      hosts.tsrun({ argv: ['-H', 'h2:1', '--network-interfaces', 'ib0,eth7', ring] }),
    ]);
    assert.match(twice.stderr, /^tsrun: h1 and 10\.231\.77\.2 are one host; name it once/m);
    assert.match(interfaces.stderr, /^tsrun: host .* has no interface ib0 or eth7; it has lab0$/m);
  });
});

/** Acts once so many ranks are ready. */
function onceReady(ranks: number, act: (tsrunPid: number) => void): (stdout: string, tsrunPid: number) => void {
  let acted = false;
  return (stdout, tsrunPid) => {
    if (acted || (stdout.match(/@ready/g)?.length ?? 0) < ranks) return;
    acted = true;
    act(tsrunPid);
  };
}
