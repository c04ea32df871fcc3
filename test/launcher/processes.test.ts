import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { jobProcesses, knownProcess } from '../../lib/launcher/processes.js';

describe('jobProcesses', () => {
  const children: ChildProcess[] = [];
  before(function () {
    if (process.platform !== 'linux') this.skip();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
  });

  async function start(env: NodeJS.ProcessEnv): Promise<number> {
    const child = spawn(process.execPath, ['-e', 'console.log(); setInterval(() => undefined, 1000)'], {
      detached: true,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(child);
    await once(child.stdout, 'data');
    return child.pid!;
  }

  it('finds a process by the job id in its environment, and no other job’s', async () => {
    const ours = await start({ TSRING_LAUNCH_ID: 'job-7' });
    await start({ TSRING_LAUNCH_ID: 'job-77' });
    await start({ OTHER: 'TSRING_LAUNCH_ID=job-7' });
    assert.deepEqual(jobProcesses({ launchId: 'job-7', known: [] }), [ours]);
  });

  it('finds a rank that has hidden its environment, but not a later process with its number', async () => {
    const hidden = await start({});
    assert.deepEqual(jobProcesses({ launchId: 'none', known: [knownProcess(hidden)] }), [hidden]);
    assert.deepEqual(jobProcesses({ launchId: 'none', known: [{ pid: hidden, startTime: '1' }] }), []);
    assert.deepEqual(jobProcesses({ launchId: 'none', known: [{ pid: hidden, startTime: undefined }] }), []);
  });
});
