import type { Net } from './net.js';

/**
 * ResNet-50 v1 as tf_cnn_benchmarks' `resnet50`: a block's stride is in its first 1x1 convolution, and convolutions have no bias
 * (Keras gives them one, which batch normalization takes out again: hence its larger published count).
 */
export function resnet50(net: Net): void {
  net.conv(64, 7, { stride: 2, padding: 'resnet', batchNorm: true });
  net.maxPool(3, 2, 'same');
  for (const [stage, blocks] of [3, 4, 6, 3].entries()) {
    for (let block = 0; block < blocks; block++) {
      bottleneck(net, 64 << stage, stage > 0 && block === 0 ? 2 : 1);
    }
  }
  net.spatialMean();
}

/** 1x1, 3x3 and 1x1 convolutions beside a shortcut, which is projected where depth grows. */
function bottleneck(net: Net, depth: number, stride: number): void {
  const input = net.top;
  const shortcut =
    net.depth === 4 * depth ? input : net.conv(4 * depth, 1, { input, stride, batchNorm: true, relu: false });
  net.conv(depth, 1, { input, stride, batchNorm: true });
  net.conv(depth, 3, { padding: 'resnet', batchNorm: true });
  net.sum([shortcut, net.conv(4 * depth, 1, { batchNorm: true, relu: false })]);
  net.relu();
}
