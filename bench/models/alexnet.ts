import type { Net } from './net.js';

/** AlexNet as tf_cnn_benchmarks has it: one tower, 227x227 images in place of padding, no local response normalization. */
export function alexnet(net: Net): void {
  net.conv(64, 11, { stride: 4, padding: 'valid' });
  net.maxPool(3, 2);
  net.conv(192, 5);
  net.maxPool(3, 2);
  net.conv(384, 3);
  net.conv(384, 3);
  net.conv(256, 3);
  net.maxPool(3, 2);
  net.flatten();
  net.affine(4096);
  net.dropout();
  net.affine(4096);
  net.dropout();
}
