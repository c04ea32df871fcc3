// This rank's examples of ten, in three ways.
import * as ring from '../../lib/index.js';
import { report } from './report.js';

await ring.init();
const sampler = new ring.DistributedSampler(10, { seed: 5 });
const first = [...sampler];
sampler.setEpoch(1);
const second = [...sampler];
const plain = [...new ring.DistributedSampler(10, { shuffle: false })];
report({ plain, first, second, dropped: [...new ring.DistributedSampler(10, { dropLast: true })] });
await ring.shutdown();
