import type { Speed } from './statistics.js';

const imagesInImagenet = 1_281_167;

export interface TrainSetup {
  readonly model: string;
  readonly dataset: string;
  readonly ranks: number;
  /** Images a rank and a step. */
  readonly batchSize: number;
  readonly numBatches: number;
  readonly device: string;
  readonly dataFormat: string;
  readonly optimizer: string;
  readonly variableUpdate: string;
  /** Backend with its version; the one line here that tf_cnn_benchmarks has no like of. */
  readonly backend: string;
}

// The forms below are tf_cnn_benchmarks', character by character, so that what reads its output reads ours.

export function headerLines(setup: TrainSetup): string[] {
  const globalBatch = setup.ranks * setup.batchSize;
  const devices = Array.from({ length: setup.ranks }, (_, rank) => `'ring/${setup.device}:${rank}'`);
  return [
    `Model:       ${setup.model}`,
    `Dataset:     ${setup.dataset}`,
    'Mode:        training',
    'SingleSess:  False',
    `Batch size:  ${globalBatch} global`,
    `             ${setup.batchSize} per device`,
    `Num batches: ${setup.numBatches}`,
    `Num epochs:  ${((setup.numBatches * globalBatch) / imagesInImagenet).toFixed(2)}`,
    `Devices:     [${devices.join(', ')}]`,
    'NUMA bind:   False',
    `Data format: ${setup.dataFormat}`,
    `Optimizer:   ${setup.optimizer}`,
    `Variables:   ${setup.variableUpdate}`,
    `Backend:     ${setup.backend}`,
    '==========',
  ];
}

export const columnTitles = 'Step\tImg/sec\ttotal_loss';

export function rowLine(step: number, { mean, uncertainty, jitter }: Speed, loss: number): string {
  return `${step}\timages/sec: ${fixed(mean, 1)} +/- ${fixed(uncertainty, 1)} (jitter = ${fixed(jitter, 1)})\t${fixed(loss, 3)}`;
}

export function totalLines(imagesPerSecond: number): string[] {
  const rule = '-'.repeat(64);
  return [rule, `total images/sec: ${fixed(imagesPerSecond, 2)}`, rule];
}

/** What of a step the batch was waited for; tf_cnn_benchmarks has no like of it. */
export function inputLine(inputSeconds: number, stepSeconds: number): string {
  const [input, step] = [inputSeconds * 1e3, stepSeconds * 1e3];
  return `input: ${fixed(input, 1)} ms of ${fixed(step, 1)} ms a step (${fixed((100 * input) / step, 1)} %)`;
}

/** As Python prints `%.Nf`: it spells what is no number in its own way. */
function fixed(value: number, digits: number): string {
  if (Number.isNaN(value)) return 'nan';
  return Number.isFinite(value) ? value.toFixed(digits) : value > 0 ? 'inf' : '-inf';
}
