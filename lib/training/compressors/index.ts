export { int8 } from './int8.js';
export { powerSgd, type PowerSgdOptions } from './power-sgd.js';
export { topK, type TopKOptions } from './top-k.js';
export type { LossyCompressor } from './owed.js';
