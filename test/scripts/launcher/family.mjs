// Has a child, a grandchild in a session of its own whose parent has died, and one without environment; waits for ever.
// With `stubborn` as first argument none of them minds SIGTERM; with `leave` the rank itself ends and leaves them behind.
import { spawn } from 'node:child_process';

const mode = process.argv[2];
const wait = `${mode === 'stubborn' ? "process.on('SIGTERM', () => undefined);" : ''} setInterval(() => undefined, 1000);`;
const start = (code, options) => spawn(process.execPath, ['-e', code], { stdio: 'ignore', ...options }).pid;
const orphanMaker = `
  const { spawn } = require('node:child_process');
  const orphan = spawn(process.execPath, ['-e', ${JSON.stringify(wait)}], { detached: true, stdio: 'ignore' });
  console.log(orphan.pid);
  process.exit();`;
const maker = spawn(process.execPath, ['-e', orphanMaker], { stdio: ['ignore', 'pipe', 'ignore'] });
const orphan = await new Promise((resolve) => maker.stdout.once('data', (text) => resolve(Number(text))));
await new Promise((resolve) => maker.once('close', resolve));
const pids = [process.pid, orphan, start(wait, {}), start(wait, { env: {} })];

if (mode === 'stubborn') process.on('SIGTERM', () => console.log('no'));
console.log(`@result ${JSON.stringify(pids)}`);
if (mode === 'leave') process.exit();
setInterval(() => undefined, 1000);
