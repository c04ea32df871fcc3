import { activeSession } from '../../lib/active-session.js';
import * as ring from '../../lib/index.js';
import type { AlgorithmName } from '../../lib/native/binding.js';

// Times allreduces by each algorithm over links, in turns, and prints the shortest of each size: what other programs do disturbs it least.

const algorithms: readonly AlgorithmName[] = ['ring', 'recursive-doubling', 'halving-doubling'];
const sizes = (process.argv[2] ?? '').split(',').map(Number);
const rounds = Number(process.argv[3]);

await ring.init({ transport: 'tcp' });
const { native } = activeSession();
const shortest = new Map<string, number>();
for (let round = 0; round < rounds; round++) {
  for (const bytes of sizes) {
    for (const algorithm of algorithms) {
      const own = native.time({ algorithm, bytes, rounds: bytes > 2 ** 20 ? 3 : 10 });
      const slowest = ring.allreduceSync(own, { name: 'slowest', op: 'max' });
      const key = `${algorithm} ${bytes}`;
      shortest.set(key, Math.min(shortest.get(key) ?? Infinity, ...slowest.slice(1)));
    }
  }
}
const times = [...shortest].map(([key, nanoseconds]) => {
  const [algorithm, bytes] = key.split(' ');
  return { algorithm, bytes: Number(bytes), nanoseconds };
});
console.log(`@result ${JSON.stringify(times)}`);
await ring.shutdown();
