import * as tf from '@tensorflow/tfjs-core';
import { invalid } from '../arguments.js';
import type { Config, Rendezvous } from '../config.js';
import type { Checkpoint } from './checkpoint.js';
import { differenceOf, type Layout, layoutOf, shareOf } from './layout.js';
import { Link } from './link.js';
import type { Answer } from './link-calls.js';
import { bytesOf } from './message-stream.js';
import type { OptimizerSpec } from './messages.js';
import type { ParameterServerSettings } from './options.js';

/** A job with parameter servers. */
export interface ServedConfig extends Config {
  readonly rendezvous: Rendezvous;
}

export interface NamedGradient {
  readonly name: string;
  readonly tensor: tf.Tensor | null | undefined;
}

const where = 'ParameterServerOptimizer';

/** The weights of a model as the parameter servers have them, and this rank's variables, which follow them. */
export class RemoteWeights {
  private readonly layout: Layout;
  private readonly link: Link;

  /** Joins the training: the chief brings what it begins with, and all have that when this returns. Blocks. */
  constructor(
    private readonly variables: readonly tf.Variable[],
    private readonly config: ServedConfig,
    private readonly settings: ParameterServerSettings,
    spec: OptimizerSpec,
    restored: Checkpoint | undefined,
  ) {
    this.layout = layoutOf(variables.map(describe));
    if (restored !== undefined) checkSameModel(this.layout, restored);
    const { rendezvous, encrypt, rank, servers, startTimeoutMs, timeoutMs } = config;
    this.link = new Link(this.layout.length, { rendezvous, encrypt, rank, servers, startTimeoutMs, timeoutMs });
    this.follow(this.join(spec, restored));
  }

  /** Steps that training began with, of a checkpoint. */
  iterations = 0;

  /** One step by these gradients, and the weights of after it. Blocks. A variable without a gradient counts as one of zeros. */
  push(gradients: readonly NamedGradient[], learningRate: number): void {
    const byName = new Map(gradients.map(({ name, tensor }) => [name, tensor]));
    const { variables, offsets } = this.layout;
    const stranger = [...byName].find(([name, tensor]) => tensor && !variables.some((known) => known.name === name));
    if (stranger !== undefined)
      throw invalid(
        where,
        `variable ${JSON.stringify(stranger[0])} had no part in the first step, so no server has it`,
      );
    variables.forEach(({ name }, index) => {
      const { size } = this.variables[index]!;
      const tensor = byName.get(name);
      if (!tensor) this.link.values.fill(0, offsets[index], offsets[index]! + size);
      else this.link.values.set(checkedGradient(name, tensor, size).dataSync(), offsets[index]);
    });
    this.follow(this.link.call({ request: { kind: 'push', learningRate }, withValues: true }));
  }

  /** The weights as they are now. Blocks. */
  pull(): void {
    this.follow(this.link.call({ request: { kind: 'pull' }, withValues: false }));
  }

  /** All that the servers have. Blocks. */
  state(): Pick<Checkpoint, 'iterations' | 'weights' | 'slots' | 'variables'> {
    const answers = this.link.call({ request: { kind: 'state' }, withValues: false });
    const states = answers.map(({ reply }) => (reply.kind === 'state' ? reply : undefined)!);
    const holding = states.filter((_, server) => this.shareOf(server).length > 0);
    const [names] = holding.map(({ slots }) => slots);
    if (holding.some(({ slots }) => slots.join() !== names!.join()))
      throw invalid('saveCheckpoint', 'the servers are in their first step; save after a step of this rank');
    const flat = Array.from({ length: 1 + names!.length }, (_, part) => this.gathered(answers, part));
    return {
      iterations: Math.max(...states.map(({ iterations }) => iterations)),
      variables: this.layout.variables,
      weights: flat[0]!,
      slots: names!.map((name, index) => ({ name, values: flat[index + 1]! })),
    };
  }

  leave(): void {
    this.link.close(farewellMs);
  }

  private join(spec: OptimizerSpec, restored: Checkpoint | undefined): readonly Answer[] {
    const { name, sync, maxStaleness } = this.settings;
    const { variables, offsets } = this.layout;
    const join = { kind: 'join' as const, model: name, variables: [...variables], optimizer: spec, sync, maxStaleness };
    const described = { ...join, variables: variables.map((one) => ({ name: one.name, shape: [...one.shape] })) };
    if (this.config.rank !== 0) return this.link.call({ request: described, withValues: false });
    if (restored === undefined)
      this.variables.forEach((variable, index) => this.link.values.set(variable.dataSync(), offsets[index]));
    else this.link.values.set(restored.weights);
    const slots = restored?.slots ?? [];
    const more = Array.from({ length: this.config.servers }, (_, server) => {
      const { begin, length } = this.shareOf(server);
      return slots.map(({ values }) => bytesOf(values.slice(begin, begin + length)));
    });
    const { iterations = 0 } = restored ?? {};
    const request = { ...described, iterations, slots: slots.map((slot) => slot.name) };
    return this.link.call({ request, withValues: true, more });
  }

  /** Gives this rank's variables what has come from the servers. */
  private follow([first]: readonly Answer[]): void {
    if (first?.reply.kind === 'weights') this.iterations = first.reply.iterations;
    tf.tidy(() =>
      this.variables.forEach((variable, index) => {
        const begin = this.layout.offsets[index]!;
        // A copy, as tensors keep it, and the next step's gradients go to the same memory.
        variable.assign(tf.tensor(this.link.values.slice(begin, begin + variable.size), variable.shape));
      }),
    );
  }

  /** Part 0 of what the servers have answered, the weights, or a slot, laid end to end. */
  private gathered(answers: readonly Answer[], part: number): Float32Array {
    const whole = new Float32Array(this.layout.length);
    answers.forEach(({ payload }, server) => {
      const { begin, length } = this.shareOf(server);
      const own = new Float32Array(payload.buffer, payload.byteOffset, payload.byteLength / 4);
      whole.set(own.subarray(part * length, (part + 1) * length), begin);
    });
    return whole;
  }

  private shareOf(server: number): { begin: number; length: number } {
    return shareOf(this.layout.length, server, this.config.servers);
  }
}

/** How long servers may take to hear that we leave. At the end of the process it delays that. */
const farewellMs = 2000;

function describe({ name, shape, dtype }: tf.Variable): { name: string; shape: number[] } {
  if (dtype === 'float32') return { name, shape };
  throw invalid(where, `variable ${JSON.stringify(name)} is ${dtype}; parameter servers train float32`);
}

function checkedGradient(name: string, tensor: tf.Tensor, size: number): tf.Tensor {
  if (tensor.dtype === 'float32' && tensor.size === size) return tensor;
  const gradient = `the gradient of ${JSON.stringify(name)} is ${tensor.dtype} with ${tensor.size} elements`;
  throw invalid(where, `${gradient}, and the variable is float32 with ${size}`);
}

function checkSameModel({ variables }: Layout, restored: Checkpoint): void {
  const difference = differenceOf(['in the model', variables], ['in the checkpoint', restored.variables]);
  if (difference !== undefined) throw invalid('restoreCheckpoint', `${difference}; is it of another model?`);
}
