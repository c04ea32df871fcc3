import * as tf from '@tensorflow/tfjs';
import assert from 'node:assert/strict';
import { type ModelName, buildModel, modelNames, models } from '../../../bench/models/index.js';
import type { DataFormat } from '../../../bench/models/net.js';
import { type KnownModel, modelParameters } from '../../../lib/model/workloads.js';
import { TruncatedNormal } from '../../../bench/truncated-normal.js';

const build = (name: ModelName, options: { imageSize?: number; numClasses?: number; dataFormat?: DataFormat } = {}) =>
  buildModel(tf, name, { imageSize: models[name].imageSize, numClasses: 1000, dataFormat: 'NHWC', ...options });

const count = (weights: readonly { shape: readonly (number | null)[] }[]) =>
  weights.reduce((sum, { shape }) => sum + shape.reduce<number>((product, dim) => product * dim!, 1), 0);

describe('bench/models', () => {
  before(async () => {
    tf.enableProdMode();
    await tf.setBackend('cpu');
    await tf.ready();
  });

  // [trainable parameters, tensors]. Inception v1: the paper's layers without batch normalization and auxiliary heads. ResNet-50:
  // torchvision's count; with 53,120 moving statistics 25,610,152, and Keras's 25,636,712 with 26,560 biases that normalization
  // makes useless. AlexNet, embedded and trivial: counted by hand.
  const published = {
    vgg19: [143_667_240, 38],
    vgg16: [138_357_544, 32],
    inception_v1: [6_998_552, 116],
    resnet50: [25_557_032, 161],
    alexnet: [61_838_248, 16],
    embedded: [32 * 32 * 3 * 256 + 256 + 256 * 128 + 128 + 129 * 1000, 6],
    trivial: [227 * 227 * 3 + 1 + 2 * 4096 + 4097 * 1000, 6],
  } as const;
  for (const [name, [parameters, tensors]] of Object.entries(published)) {
    it(`${name} has ${parameters} parameters in ${tensors} tensors`, () => {
      const { layers } = build(name as ModelName);
      assert.equal(count(layers.trainableWeights), parameters);
      assert.equal(layers.trainableWeights.length, tensors);
      if (name in modelParameters) assert.equal(modelParameters[name as KnownModel], parameters);
      assert.deepEqual(layers.outputs[0]!.shape, [null, 1000]);
      if (name === 'resnet50') assert.equal(count(layers.weights), 25_610_152);
      layers.dispose();
    });
  }

  it('counts 1001 classes as tf_cnn_benchmarks does', () => {
    const { layers } = build('inception_v1', { numClasses: 1001 });
    assert.equal(count(layers.trainableWeights), 6_999_577);
    layers.dispose();
  });

  it('builds every model for both data formats and smaller images', () => {
    for (const name of modelNames) {
      const imageSize = name === 'alexnet' ? 67 : 32;
      const counts = (['NHWC', 'NCHW'] as const).map((dataFormat) => {
        const { layers } = build(name, { imageSize, numClasses: 10, dataFormat });
        const parameters = count(layers.weights);
        layers.dispose();
        return parameters;
      });
      assert.equal(counts[0], counts[1], name);
    }
  });

  it('refuses images that pooling leaves nothing of', () => {
    assert.throws(() => build('alexnet', { imageSize: 20 }), /images of 20 pixels are too small/);
  });

  it('computes the same in both data formats, with logits of the size of a small loss', () => {
    const images = tf.tensor4d(new TruncatedNormal(5).fill(2 * 32 * 32 * 3, 127, 60), [2, 32, 32, 3]);
    const logits = (['NHWC', 'NCHW'] as const).map((dataFormat) => {
      const model = build('inception_v1', { imageSize: 32, numClasses: 4, dataFormat });
      model.initialize(new TruncatedNormal(11));
      const values = tf.tidy(() => model.logits(images).dataSync());
      model.layers.dispose();
      return values;
    });
    images.dispose();
    for (const [i, value] of logits[0]!.entries()) {
      assert.ok(
        Math.abs(value - logits[1]![i]!) <= 1e-3 * Math.max(1, Math.abs(value)),
        `${value} and ${logits[1]![i]}`,
      );
      assert.ok(value !== 0 && Math.abs(value) < 100, `logit ${value}`);
    }
  }).timeout(120_000);
});
