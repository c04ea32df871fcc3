import { alexnet } from './alexnet.js';
import { inceptionV1 } from './inception-v1.js';
import { type BuiltModel, Net, type NetOptions, type Tf } from './net.js';
import { resnet50 } from './resnet50.js';
import { vgg } from './vgg.js';

export interface ModelSpec {
  /** Height and width of the images that the published figures are for, in pixels. */
  readonly imageSize: number;
  /** Images a rank and a step where the user asks for 0; tf_cnn_benchmarks' choice, made for GPUs. */
  readonly batchSize: number;
  readonly learningRate: number;
  /** Whether it trains where a backend has no gradients for convolutions. */
  readonly dense?: true;
  readonly addLayers: (net: Net) => void;
}

/**
 * All models by the name the command line gives them. Image size, batch size and layers are tf_cnn_benchmarks'. So is the learning
 * rate of 0.005; smaller ones are where the loss on one batch of noise would leave the numbers.
 */
export const models = {
  inception_v1: { imageSize: 224, batchSize: 32, learningRate: 0.005, addLayers: inceptionV1 },
  vgg19: { imageSize: 224, batchSize: 64, learningRate: 0.001, addLayers: (net) => vgg(net, [2, 2, 4, 4, 4]) },
  vgg16: { imageSize: 224, batchSize: 64, learningRate: 0.001, addLayers: (net) => vgg(net, [2, 2, 3, 3, 3]) },
  resnet50: { imageSize: 224, batchSize: 64, learningRate: 0.005, addLayers: resnet50 },
  alexnet: { imageSize: 227, batchSize: 512, learningRate: 0.0001, addLayers: alexnet },
  trivial: {
    imageSize: 227,
    batchSize: 32,
    learningRate: 0.005,
    dense: true,
    addLayers: (net) => {
      net.flatten();
      net.affine(1);
      net.affine(4096);
    },
  },
  /** For backends that need no download: small, and dense only. Not one of tf_cnn_benchmarks'. */
  embedded: {
    imageSize: 32,
    batchSize: 16,
    learningRate: 0.0001,
    dense: true,
    addLayers: (net) => {
      net.flatten();
      net.affine(256);
      net.affine(128);
    },
  },
} as const satisfies Record<string, ModelSpec>;

export type ModelName = keyof typeof models;
export const modelNames = Object.keys(models) as ModelName[];

/** Builds a model with weights of zero. They take memory once they are initialized. */
export function buildModel(tf: Tf, name: ModelName, options: NetOptions): BuiltModel {
  const net = new Net(tf, options);
  models[name].addLayers(net);
  return net.finish();
}
