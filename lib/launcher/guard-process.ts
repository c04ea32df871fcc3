import { setTimeout as delay } from 'node:timers/promises';
import { type Job, signalJob } from './processes.js';

/*
 * The guard: a process beside tsrun that kills the job if tsrun dies without having done so, be it by SIGKILL. Its
 * standard input is a pipe from tsrun that only tsrun's death can close. Its argument is the job as it was at the start, in JSON;
 * each line on the pipe is the job as it is now.
 */

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined); // we outlast tsrun

let job = JSON.parse(process.argv[2] ?? '') as Job;
let text = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => {
  const lines = (text + chunk).split('\n');
  text = lines.pop() ?? '';
  const last = lines.at(-1);
  if (last !== undefined) job = JSON.parse(last) as Job;
});
process.stdin.once('end', () => void killJob());
process.stdin.once('error', () => void killJob());

/** Looks again until twice in a row nothing is left: a rank may have been between fork and exec, not to be recognised. */
async function killJob(): Promise<never> {
  const deadline = performance.now() + 10_000;
  for (let quiet = 0; quiet < 2 && performance.now() < deadline;) {
    quiet = signalJob(job, 'SIGKILL') === 0 ? quiet + 1 : 0;
    await delay(50);
  }
  process.exit();
}
