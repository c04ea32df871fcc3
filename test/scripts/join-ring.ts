// Joins the ring, or reports why not.
import * as ring from '../../lib/index.js';
import { caught, report } from './report.js';

const started = Date.now();
const error = await caught(() => ring.init());
const sets = ring.isInitialized() ? ring.processSets().map(({ ranks }) => ranks) : [];
report({ ...error, afterMs: Date.now() - started, initialized: ring.isInitialized(), sets });
await ring.shutdown();
