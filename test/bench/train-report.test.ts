import assert from 'node:assert/strict';
import { columnTitles, headerLines, rowLine, totalLines } from '../../bench/train-report.js';

describe('bench/train-report', () => {
  it('prints the header of tf_cnn_benchmarks, and one line for the backend', () => {
    const lines = headerLines({
      model: 'vgg19',
      dataset: 'imagenet (synthetic)',
      ranks: 2,
      batchSize: 64,
      numBatches: 400,
      device: 'cpu',
      dataFormat: 'NHWC',
      optimizer: 'sgd',
      variableUpdate: 'collective',
      backend: 'tensorflow 2.20.0',
    });
    assert.deepEqual(lines, [
      'Model:       vgg19',
      'Dataset:     imagenet (synthetic)',
      'Mode:        training',
      'SingleSess:  False',
      'Batch size:  128 global',
      '             64 per device',
      'Num batches: 400',
      'Num epochs:  0.04',
      "Devices:     ['ring/cpu:0', 'ring/cpu:1']",
      'NUMA bind:   False',
      'Data format: NHWC',
      'Optimizer:   sgd',
      'Variables:   collective',
      'Backend:     tensorflow 2.20.0',
      '==========',
    ]);
  });

  it('prints rows and the total with tabs and rules', () => {
    assert.equal(columnTitles, 'Step\tImg/sec\ttotal_loss');
    const speed = { mean: 2972.44, uncertainty: 0.26, jitter: 12 };
    assert.equal(rowLine(10, speed, 7.8), '10\timages/sec: 2972.4 +/- 0.3 (jitter = 12.0)\t7.800');
    assert.deepEqual(totalLines(2993.517), ['-'.repeat(64), 'total images/sec: 2993.52', '-'.repeat(64)]);
  });

  it('spells losses that are no numbers as Python does', () => {
    const speed = { mean: 1, uncertainty: 0, jitter: 0 };
    assert.match(rowLine(1, speed, NaN), /\tnan$/);
    assert.match(rowLine(1, speed, -Infinity), /\t-inf$/);
  });
});
