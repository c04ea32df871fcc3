import * as tf from '@tensorflow/tfjs-core';
import { phase } from '../active-session.js';
import { invalid, show } from '../arguments.js';
import { readConfig } from '../config.js';
import { RingError } from '../errors.js';
import { learningRateOf } from '../training/learning-rate.js';
import { isElementwise } from '../training/optimizer-slots.js';
import { variablesOf, type Weights } from '../training/weights.js';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { checkedOptions, type ParameterServerOptions, type ParameterServerSettings } from './options.js';
import { type NamedGradient, RemoteWeights, type ServedConfig } from './remote-weights.js';

export type { ParameterServerOptions } from './options.js';

/** What such an optimizer has beside the methods of its class. */
export interface ParameterServerMethods {
  /** Brings the weights as the servers have them now. Before the first step it joins the training with these weights, so that all begin as rank 0. */
  pullWeights(weights?: Weights): Promise<void>;
  /**
   * On rank 0, the chief: writes weights and the optimizer's state to a file, which replaces an older one as a whole. On other ranks it does
   * nothing. Between steps that others make meanwhile a checkpoint is of no single moment, unless with `sync`.
   */
  saveCheckpoint(file: string): Promise<void>;
  /** On rank 0, before the first step: training goes on from this file, on all ranks, whatever number of servers wrote it. On other ranks it does nothing. */
  restoreCheckpoint(file: string): Promise<void>;
  /** After the last step: nobody waits for this rank any more. It is done by itself when the process ends well. */
  leave(): Promise<void>;
}

type ParameterServerOptimizerClass = new <O extends tf.Optimizer>(
  inner: O,
  options?: ParameterServerOptions,
) => O & ParameterServerMethods;

const where = 'ParameterServerOptimizer';
const served = new WeakSet();

/**
 * Makes an optimizer train on the job's parameter servers (`tsrun --ps`): every step sends this rank's gradients to them, where the update is
 * made, and brings the weights back. For tfjs's own optimizers, with `model.fit`, `minimize` and `applyGradients`. The weights, and what the
 * optimizer remembers of them, are spread over the servers by bytes. Rank 0, the chief, says with which weights training begins.
 *
 * `new ParameterServerOptimizer(inner)` changes `inner` and gives it back, as `DistributedOptimizer` does. Its learning rate may be changed between
 * steps. A variable without a gradient counts as one with a gradient of zeros.
 *
 * Steps block, and throw {@link RingError}: `RING_CONFIG` in a job without servers; `RING_MISMATCH` where ranks differ in variables, optimizer
 * or options; `RING_PEER_LOST` when a server or another rank has died; `RING_TIMEOUT` when this rank has waited for others for `timeoutMs`.
 */
export const ParameterServerOptimizer = function (inner: tf.Optimizer, options: ParameterServerOptions = {}) {
  if (typeof (inner as Partial<tf.Optimizer> | undefined)?.applyGradients !== 'function')
    throw invalid(where, `inner is ${show(inner)}; give an optimizer, such as tf.train.sgd(0.01)`);
  if (served.has(inner)) throw invalid(where, 'the optimizer is on parameter servers already; wrap it once');
  if (!isElementwise(inner))
    throw invalid(where, `${inner.getClassName()} is none of tfjs's own optimizers, which are all that servers know`);
  const steps = new ServedSteps(inner, checkedOptions(where, options));
  const methods: Partial<tf.Optimizer> & ParameterServerMethods = {
    minimize: (f, returnCost, variables) => steps.minimize(f, returnCost, variables),
    computeGradients: (f, variables) => steps.computeGradients(f, variables),
    applyGradients: (gradients) => steps.applyGradients(gradients),
    getWeights: () => Promise.reject(steps.elsewhere('saveCheckpoint')),
    setWeights: () => Promise.reject(steps.elsewhere('restoreCheckpoint')),
    dispose: () => steps.dispose(),
    pullWeights: (weights) => promised(() => steps.pull(weights)),
    saveCheckpoint: (file) => promised(() => steps.save(file)),
    restoreCheckpoint: (file) => promised(() => steps.restore(file)),
    leave: () => promised(() => steps.leave()),
  };
  for (const [name, value] of Object.entries(methods))
    Object.defineProperty(inner, name, { value, writable: true, configurable: true });
  served.add(inner);
  return inner; // what `new` then gives, in place of a new object
} as unknown as ParameterServerOptimizerClass;

/** What an action that blocks throws is the promise's. */
function promised(action: () => void): Promise<void> {
  return new Promise((resolve) => {
    action();
    resolve();
  });
}

type Gradients = Parameters<tf.Optimizer['applyGradients']>[0];

/** What such an optimizer does in place of its own steps. */
class ServedSteps {
  private readonly own: Pick<tf.Optimizer, 'minimize' | 'computeGradients' | 'dispose'>;
  private remote: RemoteWeights | undefined;
  private restored: Checkpoint | undefined;

  constructor(
    private readonly inner: tf.Optimizer,
    private readonly settings: ParameterServerSettings,
  ) {
    this.own = {
      minimize: inner.minimize.bind(inner),
      computeGradients: inner.computeGradients.bind(inner),
      dispose: inner.dispose.bind(inner),
    };
  }

  minimize(...[f, returnCost, variables]: Parameters<tf.Optimizer['minimize']>): tf.Scalar | null {
    this.begin(variables ?? this.allVariables());
    return this.own.minimize(f, returnCost, variables);
  }

  computeGradients(...[f, variables]: Parameters<tf.Optimizer['computeGradients']>) {
    this.begin(variables ?? this.allVariables());
    return this.own.computeGradients(f, variables);
  }

  applyGradients(gradients: Gradients): void {
    const list: NamedGradient[] = Array.isArray(gradients)
      ? gradients
      : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
    const remote = this.begin(list.map(({ name }) => variableOf(name)));
    remote.push(list, learningRateOf(where, this.inner));
    this.count(this.inner.iterations + 1);
  }

  pull(weights: Weights | undefined): void {
    if (this.remote !== undefined) this.remote.pull();
    else if (weights === undefined) throw invalid('pullWeights', 'before the first step, say which: the model');
    else this.begin(variablesOf('pullWeights', weights));
  }

  save(file: string): void {
    if (configOfJob().rank !== 0) return;
    if (this.remote === undefined) throw invalid('saveCheckpoint', 'there is nothing to save before the first step');
    writeCheckpoint(file, { className: this.inner.getClassName(), ...this.remote.state() });
  }

  restore(file: string): void {
    if (this.remote !== undefined)
      throw invalid('restoreCheckpoint', 'training has begun; call it before the first step, on a new optimizer');
    if (configOfJob().rank !== 0) return;
    const restored = readCheckpoint(file);
    if (restored.className !== this.inner.getClassName()) {
      const found = `${file} is of ${restored.className}, and the optimizer is ${this.inner.getClassName()}`;
      throw invalid('restoreCheckpoint', found);
    }
    this.restored = restored;
  }

  leave(): void {
    if (this.remote === undefined) return;
    this.remote.leave();
    joined.delete(this.remote);
  }

  dispose(): void {
    this.leave();
    this.own.dispose();
  }

  elsewhere(method: string): RingError {
    return invalid(where, `the optimizer's state is on the parameter servers; use await optimizer.${method}(file)`);
  }

  private begin(variables: readonly tf.Variable[]): RemoteWeights {
    if (this.remote !== undefined) return this.remote;
    const spec = { className: this.inner.getClassName(), config: { ...this.inner.getConfig() } };
    const trained = variables.filter(({ trainable }) => trainable);
    const remote = new RemoteWeights(trained, configOfJob(), this.settings, spec, this.restored);
    this.remote = remote;
    this.restored = undefined;
    this.count(remote.iterations);
    if (joined.size === 0) process.once('exit', leaveAll);
    joined.add(remote);
    return remote;
  }

  /** What `minimize` takes where it is given none, but for what the optimizer itself counts with. */
  private allVariables(): tf.Variable[] {
    const own = new Set<unknown>(Object.values(this.inner));
    return Object.values(tf.engine().registeredVariables).filter((variable) => !own.has(variable));
  }

  /** `iterations` counts this rank's steps, and those of the checkpoint that training began with. */
  private count(iterations: number): void {
    (this.inner as unknown as { iterations_: number }).iterations_ = iterations;
  }
}

const joined = new Set<RemoteWeights>();

/** At the end of a process that has done its work. Of one that has failed the servers should see just that. */
function leaveAll(code: number): void {
  if (code === 0) for (const remote of joined) remote.leave();
}

/** As `init` was told; or, where the ring is not used, by the environment. @throws {RingError} `RING_CONFIG` */
function configOfJob(): ServedConfig {
  const now = phase();
  const config = now.at === 'running' ? now.session.config : readConfig();
  const { rendezvous, servers } = config;
  if (servers > 0 && rendezvous !== undefined) return { ...config, rendezvous };
  throw new RingError('RING_CONFIG', `${where}: this job has no parameter servers; start it with tsrun --ps 1`);
}

function variableOf(name: string): tf.Variable {
  const variable = tf.engine().registeredVariables[name];
  if (variable !== undefined) return variable;
  throw invalid(where, `there is no variable named ${JSON.stringify(name)}`);
}
