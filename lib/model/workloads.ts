/** Trainable parameters of the benchmarks' models at 1000 classes; gradients are four bytes each. */
export const modelParameters = {
  inception_v1: 6_998_552,
  vgg19: 143_667_240,
  vgg16: 138_357_544,
  resnet50: 25_557_032,
  alexnet: 61_838_248,
} as const satisfies Record<string, number>;

export type KnownModel = keyof typeof modelParameters;
