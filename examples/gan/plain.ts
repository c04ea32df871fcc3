import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import { tf } from '../backend.js';
import { buildDiscriminator, buildGenerator, realNumbers } from './models.js';

const [generator, discriminator] = [buildGenerator(), buildDiscriminator()];
const generatorOptimizer = tf.train.adam(0.005, 0.5);
const discriminatorOptimizer = tf.train.adam(0.01, 0.5);

const batch = 32;
const made = () => generator.apply(tf.randomNormal([batch, 4])) as Tensor;
const judged = (numbers: Tensor) => discriminator.apply(numbers) as Tensor;
const variables = (model: typeof generator) =>
  model.trainableWeights.map((weight): unknown => weight.read()) as Variable[];
const against = (truth: Tensor, logits: Tensor): Scalar => tf.losses.sigmoidCrossEntropy(truth, logits);

for (let step = 0; step < 400; step++) {
  tf.tidy(() => {
    const [ones, zeros] = [tf.ones([batch, 1]), tf.zeros([batch, 1])];
    const discriminatorLoss = () =>
      tf.add<Scalar>(against(ones, judged(realNumbers(batch))), against(zeros, judged(made())));
    discriminatorOptimizer.minimize(discriminatorLoss, false, variables(discriminator));
    generatorOptimizer.minimize(() => against(ones, judged(made())), false, variables(generator));
  });
}

const numbers = generator.predict(tf.randomNormal([1000, 4], 0, 1, 'float32', 1)) as Tensor;
console.log(`mean: ${numbers.mean().dataSync()[0]!.toFixed(3)}`);
