export { averageMetrics } from './average-metrics.js';
export { bestCheckpoint } from './best-checkpoint.js';
export { earlyStopping } from './early-stopping.js';
export { learningRateSchedule, learningRateWarmup } from './learning-rate.js';
export { progress } from './progress.js';
export { tensorBoard } from './tensor-board.js';
