import { fileURLToPath } from 'node:url';
import { runInTerminal } from './run-in-terminal.js';
import { refuseUnderTsrun } from './refuse-under-tsrun.js';

// What `npm run bench:collectives` runs: collectives.ts on two ranks, or with --peers the comparison with other systems.

refuseUnderTsrun('bench:collectives', 'dist/bench/collectives.js');
const args = process.argv.slice(2);
if (args.includes('--peers')) {
  const { main } = await import('./peers/main.js');
  process.exitCode = await main(args.filter((arg) => arg !== '--peers'));
} else {
  const collectives = fileURLToPath(new URL('collectives.js', import.meta.url));
  process.exitCode = await runInTerminal('../../bin/tsrun', '-np', '2', '--oversubscribe', collectives, ...args);
}
