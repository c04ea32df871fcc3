// Joins with a tuning file of each rank's own (an argument a rank), and reports what this rank would do allreduces by.
import * as ring from '../../lib/index.js';
import { activeSession } from '../../lib/active-session.js';
import { report } from './report.js';

const files = process.argv.slice(2);
const tuningFile = files[Number(process.env['TSRING_RANK'])];
await ring.init(tuningFile === undefined ? {} : { tuningFile });
const sum = ring.allreduceSync(new Float32Array(100_000).fill(ring.rank() + 1), { op: 'sum' });
report({
  algorithms: [4, 65_536, 16_777_216].map((bytes) => activeSession().native.algorithm(bytes)),
  sum: sum[99_999],
});
await ring.shutdown();
