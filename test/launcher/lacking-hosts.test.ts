import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { skipWithoutSshHosts, SshHosts } from '../helpers/ssh-hosts.js';

// Ranks that know nothing of each other, so that it is tsrun that notices.
const waiting = path.join(import.meta.dirname, '../scripts/launcher/end.mjs');
const launcher = path.join(import.meta.dirname, '../../dist/lib/launcher');

/** What tsrun says of hosts that lack what a job needs. Nothing of the job starts. */
describe('hosts that cannot be used', function () {
  this.timeout(60_000);
  let hosts: SshHosts;
  let folder: string;
  let close = () => Promise.resolve();

  before(async function () {
    skipWithoutSshHosts(this);
    folder = mkdtempSync(path.join(tmpdir(), 'tsring-lacking-'));
    hosts = await SshHosts.create(4);
    close = () => hosts.close();
  });
  after(async () => {
    await close();
    if (folder) rmSync(folder, { recursive: true });
  });

  it('are all named, with what they lack and where', async () => {
    const script = path.join(folder, 'script.mjs');
    writeFileSync(script, "console.log('it runs');");
    hosts.hide(1, folder);
    hosts.hide(2, launcher);
    const run = await hosts.tsrun({ argv: ['-H', 'h0:1,h1:1,h2:1,h77:1,h3:1', script] });
    assert.equal(run.code, 1);
    assert.equal(run.stdout, '');
    const lines = run.stderr.trimEnd().split('\n').sort();
    assert.equal(lines.length, 3, run.stderr);
    assert.equal(lines[0], `tsrun: host h1: there is no script ${script}; the same paths are needed on every host`);
    assert.match(
      lines[1]!,
      /^tsrun: host h2: ssh ended with 1, as its command failed; node and tsring are needed at the same paths on every host: Error: Cannot find module '.*agent\.js' \(the command: ssh .*\)$/,
    );
    assert.match(lines[2]!, /^tsrun: host h77: ssh ended with 255: .*Could not resolve hostname h77/);
  });

  it('and one whose agent is killed in the middle is named, with how that may have come', async () => {
    const run = await hosts.tsrun({
      argv: ['-H', 'h0:1,h1:1,h3:1', waiting],
      onOutput: (stdout) => {
        if (stdout.match(/ready/g)?.length === 3) hosts.killProcesses(3, 'agent.js');
      },
    });
    assert.equal(run.code, 1);
    assert.match(
      run.stderr,
      /^tsrun: host h3 is lost: ssh ended with 255, as the connection broke, or the agent there was killed; the other ranks were stopped$/m,
    );
  });
});
