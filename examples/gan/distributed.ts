import * as ring from 'tsring'; // (1)
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import { tf } from '../backend.js';
import { buildDiscriminator, buildGenerator, realNumbers } from './models.js';

await ring.init(); // (2)
const [generator, discriminator] = [buildGenerator(), buildDiscriminator()];
const generatorOptimizer = new ring.DistributedOptimizer(tf.train.adam(0.005, 0.5)); // (3)
const discriminatorOptimizer = new ring.DistributedOptimizer(tf.train.adam(0.01, 0.5)); // (4)
await ring.broadcastWeights([...generator.weights, ...discriminator.weights].map((weight) => weight.read()) as never); // (5)

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
