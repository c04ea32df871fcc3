// Reads the job's secret on the main thread and on a worker thread, and looks for it where others could see it.
import { readFileSync, readSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

const fd = Number(process.env['TSRING_SECRET_FD']);
const bytes = Buffer.alloc(100);
const secret = bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0));
const worker = new Worker(
  `const { parentPort } = require('node:worker_threads');
   const bytes = Buffer.alloc(100);
   const count = require('node:fs').readSync(${fd}, bytes, 0, 100, 0);
   parentPort.postMessage(bytes.toString('latin1', 0, count));`,
  { eval: true },
);
const fromWorker = await new Promise((resolve) => worker.once('message', resolve));
const visible = [process.pid, process.ppid].flatMap((pid) =>
  ['environ', 'cmdline'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1')),
);
const leaks = visible.filter((text) => text.includes(secret)).length;
console.log(`@result ${JSON.stringify({ secret, same: fromWorker === secret, leaks })}`);
