import assert from 'node:assert/strict';
import { parseTrainOptions } from '../../bench/train-options.js';

describe('bench/train-options', () => {
  const parse = (line: string) => parseTrainOptions(line.split(' ').filter(Boolean));

  it('has the defaults of tf_cnn_benchmarks', () => {
    assert.deepEqual(parse('').options, {
      batch_size: 0,
      compression: 'none',
      num_batches: 100,
      num_warmup_batches: 10,
      display_every: 10,
      optimizer: 'sgd',
      variable_update: 'collective',
      data_format: 'NHWC',
      backend: 'auto',
      num_classes: 1000,
      seed: 1234,
      accelerate: ['relu', 'biasRelu', 'maxPool', 'optimizers'],
    });
  });

  it('takes every flag, and the last of two', () => {
    const { options } = parse(
      '--model vgg19 --batch_size=4 --batch_size 8 --learning_rate 1e-3 --image_size 64 --json f --accelerate optimizers --overlap',
    );
    assert.equal(options?.model, 'vgg19');
    assert.equal(options.batch_size, 8);
    assert.equal(options.learning_rate, 0.001);
    assert.equal(options.image_size, 64);
    assert.equal(options.json, 'f');
    assert.deepEqual(options.accelerate, ['optimizers']);
    assert.equal(options.overlap, true);
    assert.equal(parse('--no-overlap').options?.overlap, false);
    assert.equal(parse('').options?.overlap, undefined);
  });

  for (const [line, answer] of [
    ['--bach_size 4', /unknown option '--bach_size'\n\(Did you mean --batch_size\?\)/],
    ['--model inception_v2', /'inception_v2' is invalid. Did you mean inception_v1\?/],
    ['--optimizer lion', /Allowed choices are sgd, momentum, rmsprop, adam/],
    ['--batch_size -1', /at least 0/],
    ['--num_batches 1.5', /whole number/],
    ['--learning_rate nan', /number over 0/],
    ['--accelerate relu,pool', /Allowed are all, none, and relu, biasRelu, maxPool, optimizers/],
    ['train', /too many arguments/],
  ] as const) {
    it(`refuses ${line}`, () => {
      const { exit } = parse(line);
      assert.equal(exit?.code, 1);
      assert.match(exit.text, answer);
    });
  }

  it('explains itself without failing', () => {
    const { exit } = parse('--help');
    assert.equal(exit?.code, 0);
    assert.match(exit.text, /--num_warmup_batches <n>/);
  });
});
