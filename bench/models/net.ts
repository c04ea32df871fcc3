import type * as tfjs from '@tensorflow/tfjs';
import { collectGarbage } from '../collect-garbage.js';
import type { TruncatedNormal } from '../truncated-normal.js';

export type Tf = typeof tfjs;
export type DataFormat = 'NHWC' | 'NCHW';
type Symbolic = tfjs.SymbolicTensor;
type Layer = tfjs.layers.Layer;

export interface NetOptions {
  /** Height and width of the images in pixels. */
  readonly imageSize: number;
  readonly numClasses: number;
  readonly dataFormat: DataFormat;
}

interface ConvOptions {
  readonly input?: Symbolic;
  readonly stride?: number;
  /** `resnet` pads both sides alike, whatever the stride, where `same` would pad more at the end. */
  readonly padding?: 'same' | 'valid' | 'resnet';
  /** Batch normalization in place of a bias. */
  readonly batchNorm?: boolean;
  readonly relu?: boolean;
}

/**
 * Builds an image network layer by layer, with the calls and the initial weights of tf_cnn_benchmarks' ConvNetBuilder, so that a
 * model here reads as it does there. Each call continues from `top`, the output of the one before, unless it is given an `input`.
 *
 * All weights start as zeros, which take no memory until they are written: a model can be counted without being paid for.
 * `initialize` gives them their values.
 */
export class Net {
  readonly images: Symbolic;
  top: Symbolic;
  private readonly kernels: { layer: Layer; stddev: (fanIn: number) => number }[] = [];
  private readonly channels: { dataFormat: 'channelsFirst' | 'channelsLast' };
  private readonly channelAxis: number;

  constructor(
    private readonly tf: Tf,
    private readonly options: NetOptions,
  ) {
    this.channels = { dataFormat: options.dataFormat === 'NCHW' ? 'channelsFirst' : 'channelsLast' };
    this.channelAxis = options.dataFormat === 'NCHW' ? 1 : 3;
    this.images = tf.input({ shape: [options.imageSize, options.imageSize, 3] });
    this.top = this.images;
    if (options.dataFormat === 'NCHW') this.add(tf.layers.permute({ dims: [3, 1, 2] }));
  }

  conv(filters: number, size: number, options: ConvOptions = {}): Symbolic {
    const { stride = 1, batchNorm = false, relu = true } = options;
    let { padding = 'same', input = this.top } = options;
    if (padding === 'resnet' && stride > 1) {
      const before = Math.floor((size - 1) / 2);
      const both: [number, number] = [before, size - 1 - before];
      input = this.add(this.tf.layers.zeroPadding2d({ padding: [both, both], ...this.channels }), input);
      padding = 'valid';
    }
    const layer = this.tf.layers.conv2d({
      filters,
      kernelSize: size,
      strides: stride,
      padding: padding === 'resnet' ? 'same' : padding,
      useBias: !batchNorm,
      kernelInitializer: 'zeros',
      ...(relu && !batchNorm ? { activation: 'relu' } : {}),
      ...this.channels,
    });
    // TensorFlow's variance scaling with scale 1: the cut at two deviations takes the deviation down to 0.8796
    this.kernels.push({ layer, stddev: (fanIn) => Math.sqrt(1 / fanIn) / 0.87962566 });
    this.add(layer, input);
    if (batchNorm) {
      this.add(this.tf.layers.batchNormalization({ axis: this.channelAxis, momentum: 0.9, epsilon: 1e-5 }));
      if (relu) this.relu();
    }
    return this.top;
  }

  /** A dense layer; `relu` or not decides the size of its initial weights too. */
  affine(units: number, { relu = true } = {}): Symbolic {
    const layer = this.tf.layers.dense({
      units,
      kernelInitializer: 'zeros',
      ...(relu ? { activation: 'relu' } : {}),
    });
    this.kernels.push({ layer, stddev: (fanIn) => Math.sqrt((relu ? 2 : 1) / fanIn) });
    return this.add(layer);
  }

  maxPool(size: number, stride: number, padding: 'same' | 'valid' = 'valid', input = this.top): Symbolic {
    return this.add(this.tf.layers.maxPooling2d({ poolSize: size, strides: stride, padding, ...this.channels }), input);
  }

  averagePool(size: number, stride: number, input = this.top): Symbolic {
    return this.add(this.tf.layers.averagePooling2d({ poolSize: size, strides: stride, ...this.channels }), input);
  }

  /** Mean over height and width. */
  spatialMean(): Symbolic {
    return this.add(this.tf.layers.globalAveragePooling2d(this.channels));
  }

  flatten(): Symbolic {
    return this.add(this.tf.layers.flatten());
  }

  dropout(rate = 0.5): Symbolic {
    return this.add(this.tf.layers.dropout({ rate }));
  }

  relu(): Symbolic {
    return this.add(this.tf.layers.reLU());
  }

  /** Joins along the channels. */
  concat(inputs: Symbolic[]): Symbolic {
    return this.add(this.tf.layers.concatenate({ axis: this.channelAxis }), inputs);
  }

  sum(inputs: Symbolic[]): Symbolic {
    return this.add(this.tf.layers.add(), inputs);
  }

  /** Number of channels of `top`. */
  get depth(): number {
    return this.top.shape[this.top.shape.length === 4 ? this.channelAxis : 1]!;
  }

  /** Adds the last layer, one logit a class, and closes the network. */
  finish(): BuiltModel {
    this.affine(this.options.numClasses, { relu: false });
    const layers = this.tf.model({ inputs: this.images, outputs: this.top });
    return {
      layers,
      logits: (images) => layers.apply(images, { training: true }) as tfjs.Tensor2D,
      initialize: (random) => this.initialize(random),
    };
  }

  private initialize(random: TruncatedNormal): void {
    for (const { layer, stddev } of this.kernels) {
      const kernel = layer.weights[0]!;
      const shape = kernel.shape as number[];
      const count = shape.reduce((product, dim) => product * dim, 1);
      const fanIn = count / shape.at(-1)!;
      const value = this.tf.tensor(random.fill(count, 0, stddev(fanIn)), shape);
      this.tf.dispose(
        this.tf.slice(
          value,
          shape.map(() => 0),
          shape.map(() => 1),
        ),
      ); // tfjs-node copies the array when the tensor is used first
      kernel.write(value);
      value.dispose();
    }
    collectGarbage(); // the arrays, which are as large as the weights and would be there for some steps
  }

  private add(layer: Layer, input: Symbolic | Symbolic[] = this.top): Symbolic {
    this.top = layer.apply(input) as Symbolic;
    if (this.top.shape.some((dim) => dim !== null && dim < 1)) {
      throw new RangeError(
        `images of ${this.options.imageSize} pixels are too small: nothing is left of them after ${layer.name}`,
      );
    }
    return this.top;
  }
}

/** A network with its input and its logits. Weights are zeros until `initialize`. */
export interface BuiltModel {
  readonly layers: tfjs.LayersModel;
  /** Training-time forward pass: [batch, height, width, 3] float32 to [batch, classes]. */
  readonly logits: (images: tfjs.Tensor4D) => tfjs.Tensor2D;
  /** Draws all kernels anew; biases stay zero. */
  readonly initialize: (random: TruncatedNormal) => void;
}
