import * as tf from '@tensorflow/tfjs-core';
import { reducedSteps, type OpenReduction } from '../collectives/reduced-steps.js';
import { invalid } from '../arguments.js';
import { bridge } from '../tensors/bridge.js';
import { runOperation, tensorflowBackend, threads } from './operations.js';
import { type Plan, planAdam, planMomentum, type PlanOf, planRmsProp, planSgd } from './plans.js';

type VariableGradients = tf.NamedTensorMap | { name: string; tensor: tf.Tensor | null }[];

const plans: readonly (readonly [optimizer: { prototype: tf.Optimizer }, plan: PlanOf])[] = [
  [tf.SGDOptimizer, planSgd],
  [tf.MomentumOptimizer, planMomentum],
  [tf.AdamOptimizer, planAdam],
  [tf.RMSPropOptimizer, planRmsProp],
];

/** Gives tfjs's sgd, momentum, adam and rmsprop steps in native code; each keeps its own for what these do not take. */
export function replaceSteps(): void {
  for (const [{ prototype }, planOf] of plans) {
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its optimizer below
    const own = prototype.applyGradients;
    if (replaced.has(own)) continue;
    const applyGradients = function (this: tf.Optimizer, gradients: VariableGradients) {
      if (!step(this, planOf, gradients)) own.call(this, gradients as tf.NamedTensorMap);
    };
    prototype.applyGradients = applyGradients;
    replaced.add(applyGradients);
    reducedSteps.set(applyGradients, (optimizer, gradients, open) =>
      stepByReduction(optimizer, planOf, gradients, open),
    );
  }
}

const replaced = new WeakSet();

/** Fields of an optimizer that tfjs calls private. */
type Fields = Record<string, unknown>;

/** One variable of a step. */
interface Entry {
  readonly index: number;
  readonly name: string;
  readonly variable: tf.Variable;
  readonly gradient: tf.Tensor;
}

/** One with the optimizer's state for it, in the update's order. */
interface EntryWithState extends Entry {
  readonly states: readonly tf.Variable[];
}

function step(optimizer: tf.Optimizer, planOf: PlanOf, gradients: VariableGradients): boolean {
  const entries = entriesOf(gradients);
  if (!suits(entries)) return false;
  const fields = fieldsOf(optimizer);
  tf.tidy(() => {
    const plan = planOf(fields);
    for (const group of groupsOf(entries)) {
      update(plan, withStates(fields, plan, group), (vectors, tensors, outputs) =>
        runOperation(tensorflowBackend()!, 'TsringUpdate', vectors, tensors, outputs),
      );
    }
    plan.finish?.();
  });
  countStep(optimizer);
  return true;
}

/** One thread carries a reduction out, and so makes the step: more are faster at it afterwards. On a GPU there is no such operation. */
function stepByReduction(
  optimizer: tf.Optimizer,
  planOf: PlanOf,
  gradients: VariableGradients,
  open: () => OpenReduction | undefined,
): boolean {
  const entries = entriesOf(gradients);
  if (!suits(entries) || threads() > 1 || tensorflowBackend()!.isUsingGpuDevice === true) return false;
  const by = bridge();
  const fields = fieldsOf(optimizer);
  const stepped = tf.tidy(() => {
    const plan = planOf(fields);
    const whole = withStates(fields, plan, entries); // what is wrong with them is told before other ranks wait for this one
    const opened = open();
    if (opened === undefined) return false;
    const inOrder = opened.order.map((index) => whole[index]!);
    update(plan, inOrder, (...call) => by.reduceAndUpdate!(opened.ticket, ...call).values);
    plan.finish?.();
    return true;
  });
  if (stepped) countStep(optimizer);
  return stepped;
}

function suits(entries: readonly Entry[]): boolean {
  const floats = entries.every(
    ({ variable, gradient }) => variable.dtype === 'float32' && gradient.dtype === 'float32',
  );
  return floats && tensorflowBackend() !== undefined;
}

function fieldsOf(optimizer: tf.Optimizer): Fields {
  return optimizer as unknown as Fields;
}

function countStep(optimizer: tf.Optimizer): void {
  (optimizer as unknown as { incrementIterations(): void }).incrementIterations();
}

function entriesOf(gradients: VariableGradients): Entry[] {
  const named = Array.isArray(gradients)
    ? gradients.map(({ name, tensor }) => [name, tensor] as const)
    : Object.entries(gradients);
  const variables = tf.engine().registeredVariables;
  return named.flatMap(([name, gradient]: readonly [string, tf.Tensor | null], index) =>
    gradient === null ? [] : [{ index, name, variable: variables[name]!, gradient }],
  );
}

/** One pass over all arrays of the group. Slots that nobody else can see stay where they are, so that a step needs memory for new values alone. */
function update(
  { rule, factors, slots }: Plan,
  group: readonly EntryWithState[],
  run: (vectors: readonly tf.Tensor[], tensors: readonly tf.Tensor[], outputs: number) => tf.Tensor[],
): void {
  const backend = tensorflowBackend()!;
  const values = group.map(({ variable }) => variable);
  const gradients = group.map(({ gradient }) => gradient);
  const states = Object.keys(slots).flatMap((_, slot) => group.map((entry) => entry.states[slot]!));
  const inPlace = states.every(({ dataId }) => made.has(dataId) && backend.tensorMap.get(dataId).refCount === 1);
  const changed = [...values, ...states];
  const results = tf.tidy(() => {
    const vectors = [tf.tensor1d([rule, threads(), Number(inPlace)], 'int32'), tf.tensor1d([...factors])];
    return run(vectors, [...values, ...gradients, ...states], changed.length);
  });
  changed.forEach((variable, i) => variable.assign(results[i]!));
  tf.dispose(results); // the variables keep them
  for (const { dataId } of states) made.add(dataId);
}

/** Data of slots that were made here, by an update or for the first; memory of others may be seen elsewhere, such as by those who loaded it. */
const made = new WeakSet();

/** State of an optimizer for one variable, as tfjs keeps it: found by the variable's place among the gradients. */
interface Slot {
  readonly originalName: string;
  readonly variable: tf.Variable;
}

function withStates(optimizer: Fields, { slots }: Plan, group: readonly Entry[]): EntryWithState[] {
  const lists = Object.entries(slots);
  return group.map((entry) => ({
    ...entry,
    states: lists.map(([list, ending]) => slotOf(optimizer, list, ending, entry)),
  }));
}

/** tfjs finds state by a variable's place among those that are trained. */
function checkedSlot(slot: tf.Variable, { name, variable }: Entry): tf.Variable {
  if (tf.util.arraysEqual(slot.shape, variable.shape)) return slot;
  const shapes = `[${slot.shape.join()}], and the variable is [${variable.shape.join()}]`;
  throw invalid(
    'applyGradients',
    `the optimizer's state for ${name} is ${shapes}; make a new optimizer when other variables are trained`,
  );
}

function slotOf(optimizer: Fields, list: string, ending: string, entry: Entry): tf.Variable {
  const slots = optimizer[list] as (Slot | undefined)[];
  const known = slots[entry.index];
  if (known !== undefined) return checkedSlot(known.variable, entry);
  const variable = tf.tidy(() => tf.zerosLike(entry.variable).variable(false));
  made.add(variable.dataId);
  slots[entry.index] = { originalName: `${entry.name}/${ending}`, variable };
  return variable;
}

/** Variables that one operation takes at a time. Many cost memory, few cost calls. */
const leastGroupBytes = 16 << 20;
const mostGroups = 8;

function groupsOf(entries: readonly Entry[]): Entry[][] {
  const bytesOf = ({ variable }: Entry) => variable.size * 4;
  const total = entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
  const groupBytes = Math.max(leastGroupBytes, total / mostGroups);
  const groups: Entry[][] = [];
  let room = 0;
  for (const entry of entries) {
    if (groups.length === 0 || bytesOf(entry) > room) {
      groups.push([]);
      room = groupBytes;
    }
    groups.at(-1)!.push(entry);
    room -= bytesOf(entry);
  }
  return groups;
}
