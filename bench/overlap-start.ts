import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { runInTerminal } from './run-in-terminal.js';
import { refuseUnderTsrun } from './refuse-under-tsrun.js';

// What `npm run bench:overlap` runs: overlap.ts for Inception v1 and VGG19 on two and on four ranks, or what --np and --model say.

refuseUnderTsrun('bench:overlap', 'dist/bench/overlap.js');
const overlap = fileURLToPath(new URL('overlap.js', import.meta.url));
const args = process.argv.slice(2);
const nps = valuesOf('--np', ['2', '4']);
const shapes: Record<string, string[]> = {
  inception_v1: ['--batch_size', '4'],
  vgg19: ['--batch_size', '1', '--steps', '4'],
};
const models = valuesOf('--model', Object.keys(shapes));

for (const model of models) {
  for (const np of nps) {
    // Ranks share the cores: more threads than those would be in each other's way.
    process.env['TF_NUM_INTRAOP_THREADS'] = String(Math.max(1, Math.floor(availableParallelism() / Number(np))));
    const flags = ['-np', np, '--oversubscribe', '--no-tag-output'];
    const code = await runInTerminal(
      '../../bin/tsrun',
      ...flags,
      overlap,
      '--model',
      model,
      ...(shapes[model] ?? []),
      ...args,
    );
    process.exitCode ||= code;
  }
}

/** The values of a flag with commas between, taken out of the arguments. */
function valuesOf(flag: string, unlessGiven: readonly string[]): readonly string[] {
  const place = args.indexOf(flag);
  if (place < 0) return unlessGiven;
  const [, value = ''] = args.splice(place, 2);
  return value.split(',');
}
