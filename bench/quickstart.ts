import { fileURLToPath } from 'node:url';
import { runInTerminal } from './run-in-terminal.js';
import { refuseUnderTsrun } from './refuse-under-tsrun.js';

// What `npm run benchmark` runs: sets TensorFlow up where it is not, and trains on two ranks. Arguments are train.ts's, and win
// over the ones here. Where there is no TensorFlow to be had, a small model trains on a backend that needs no download.

refuseUnderTsrun('benchmark', 'dist/bench/train.js');

const inception = ['--model', 'inception_v1', '--batch_size', '4', '--num_batches', '10', '--num_warmup_batches', '2'];
const embedded = ['--model', 'embedded', '--backend', 'wasm', '--num_batches', '100', '--num_warmup_batches', '10'];

const hasTensorflow = (await runInTerminal('../../bin/tsring-setup-tensorflow')) === 0;
if (!hasTensorflow)
  console.error('tsring: no TensorFlow here, so a small embedded model trains on the wasm backend instead');
const defaults = hasTensorflow ? [...inception, '--display_every', '1', '--optimizer', 'momentum'] : embedded;
const train = fileURLToPath(new URL('train.js', import.meta.url));
process.exitCode = await runInTerminal(
  '../../bin/tsrun',
  '-np',
  '2',
  '--oversubscribe',
  '--no-tag-output',
  train,
  ...defaults,
  ...process.argv.slice(2),
);
