import type { Net } from './net.js';

/** VGG of the paper's table 1: five blocks of 3x3 convolutions, `convs` in each, then two dense layers with dropout. */
export function vgg(net: Net, convs: readonly [number, number, number, number, number]): void {
  for (const [block, filters] of [64, 128, 256, 512, 512].entries()) {
    for (let i = 0; i < convs[block]!; i++) net.conv(filters, 3);
    net.maxPool(2, 2);
  }
  net.flatten();
  net.affine(4096);
  net.dropout();
  net.affine(4096);
  net.dropout();
}
