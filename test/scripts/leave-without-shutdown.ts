// Ends while in the ring, the way its argument says. An operation that nobody else joins is pending.
import * as ring from '../../lib/index.js';

await ring.init();
ring.allreduceSync(new Float32Array(1000));
if (process.argv[2] === 'exit') process.exit(0);
if (process.argv[2] === 'exit while pending') {
  void ring.allreduce(Float32Array.of(1), { name: `of rank ${ring.rank()}` }).catch(() => undefined);
  process.exit(0);
}
