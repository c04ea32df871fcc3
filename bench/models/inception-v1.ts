import type { Net } from './net.js';

/**
 * GoogLeNet as tf_cnn_benchmarks' `googlenet`: the paper's layers with 5x5 convolutions and biases; no batch normalization, no
 * auxiliary heads, no local response normalization, no dropout.
 */
export function inceptionV1(net: Net): void {
  net.conv(64, 7, { stride: 2 });
  net.maxPool(3, 2, 'same');
  net.conv(64, 1);
  net.conv(192, 3);
  net.maxPool(3, 2, 'same');
  inception(net, 64, [96, 128], [16, 32], 32);
  inception(net, 128, [128, 192], [32, 96], 64);
  net.maxPool(3, 2, 'same');
  inception(net, 192, [96, 208], [16, 48], 64);
  inception(net, 160, [112, 224], [24, 64], 64);
  inception(net, 128, [128, 256], [24, 64], 64);
  inception(net, 112, [144, 288], [32, 64], 64);
  inception(net, 256, [160, 320], [32, 128], 128);
  net.maxPool(3, 2, 'same');
  inception(net, 256, [160, 320], [32, 128], 128);
  inception(net, 384, [192, 384], [48, 128], 128);
  net.spatialMean(); // 7x7 at the paper's image size, and what is left of smaller images
}

/** Four branches joined: 1x1; 1x1 then 3x3; 1x1 then 5x5; pooling then 1x1. */
function inception(net: Net, one: number, three: [number, number], five: [number, number], pool: number): void {
  const input = net.top;
  const branches = [net.conv(one, 1, { input })];
  net.conv(three[0], 1, { input });
  branches.push(net.conv(three[1], 3));
  net.conv(five[0], 1, { input });
  branches.push(net.conv(five[1], 5));
  net.maxPool(3, 1, 'same', input);
  branches.push(net.conv(pool, 1));
  net.concat(branches);
}
