import { invalid, show } from '../arguments.js';
import { replaceGradient, replacements } from './gradients.js';
import { replaceBiasAndRelu } from './bias-relu.js';
import { tensorflowBackend } from './operations.js';
import { replaceSteps } from './optimizers.js';

/** What `accelerate` replaces; all of it unless given. */
export interface AccelerateOptions {
  /** The gradient of relu: one pass in place of six, and memory for one tensor less a layer. */
  relu?: boolean;
  /** What follows a convolution or a product of matrices, bias and relu: one pass, and one for both their gradients. Wants `relu`. */
  biasRelu?: boolean;
  /** The gradient of max pooling: many channels at a time. */
  maxPool?: boolean;
  /** Steps of sgd, momentum, adam and rmsprop: one pass over all variables in place of four to twelve. */
  optimizers?: boolean;
}

/**
 * Makes training on tfjs-node faster by doing natively, and in one pass, what tfjs composes of several operations. Call it once, after
 * tfjs-node has loaded and before optimizers are made distributed; it needs no ring. Results differ from tfjs's in the last bits.
 *
 * On other backends, and for other types than float32, tfjs goes on as it did.
 *
 * @returns whether tfjs is on a TensorFlow that takes our operations now; where it is not it says so once on standard error
 * @throws {RingError} `RING_INVALID_ARGUMENT` for an unknown option
 */
export function accelerate(options: AccelerateOptions = {}): boolean {
  const parts = { relu: true, biasRelu: true, maxPool: true, optimizers: true, ...options };
  for (const [name, value] of Object.entries(parts)) {
    if (!(name in known)) throw invalid('accelerate', `there is no option ${show(name)}; one of ${names}`);
    if (typeof value !== 'boolean') throw invalid('accelerate', `${name} is ${show(value)}; true or false`);
  }
  if (parts.relu) replaceGradient(replacements.relu);
  if (parts.relu && parts.biasRelu) replaceBiasAndRelu();
  if (parts.maxPool) replaceGradient(replacements.maxPool);
  if (parts.optimizers) replaceSteps();
  if (tensorflowBackend() !== undefined) return true;
  warnOnce();
  return false;
}

const known: Readonly<Record<keyof AccelerateOptions, true>> = {
  relu: true,
  biasRelu: true,
  maxPool: true,
  optimizers: true,
};
const names = Object.keys(known).join(', ');

let warned = false;

function warnOnce(): void {
  if (!warned) console.warn('tsring: accelerate changes nothing while tfjs is on another backend than tensorflow');
  warned = true;
}
