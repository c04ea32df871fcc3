export { syncBatchNormalization, type SyncBatchNormalizationArgs } from './sync-batch-normalization.js';
