import * as tf from '@tensorflow/tfjs-core';

/** What we use of a node of tfjs's tape, which records the operations of the forward pass in their order. */
interface TapeNode {
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly outputs: readonly tf.Tensor[];
  /** Gives a function for each input that computes its gradient. */
  gradient?: (dys: tf.Tensor[]) => Record<string, () => tf.Tensor>;
}

interface Use {
  readonly node: TapeNode;
  readonly input: string;
}

/** The tensor is tfjs's, and good until the gradients returned are disposed of. */
type OnGradient = (variable: tf.Variable, gradient: tf.Tensor) => void;

/**
 * As `tf.variableGrads`, but has a function called during backward, the moment that a variable's gradient is complete. That is so for variables
 * that one operation uses once; gradients of others (shared layers, recurrent cells) are sums over all their uses, and only returned.
 *
 * The tape is no public interface of tfjs. Where it does not look as expected, or where this is called inside of another gradient,
 * `onForward` is not called; the result is the same.
 *
 * @param variables - unless given, all trainable ones that the loss depends on
 * @param onForward - called between forward and backward with these variables, in the order of the gradients returned; gives the function
 */
export function watchedGradients(
  f: () => tf.Scalar,
  variables: tf.Variable[] | undefined,
  onForward: (variables: readonly tf.Variable[]) => OnGradient,
): { value: tf.Scalar; grads: tf.NamedTensorMap } {
  const watchedLoss = () => {
    const loss = f();
    const tape = loss instanceof tf.Tensor ? activeTape() : undefined;
    if (tape !== undefined) watch(tape, loss, variables, onForward);
    return loss;
  };
  return tf.variableGrads(watchedLoss, variables);
}

function watch(
  tape: readonly TapeNode[],
  loss: tf.Tensor,
  given: readonly tf.Variable[] | undefined,
  onForward: (variables: readonly tf.Variable[]) => OnGradient,
): void {
  const all = (given ?? Object.values(tf.engine().registeredVariables)).filter(({ trainable }) => trainable);
  const uses = usesOf(tape, loss, new Set(all.map(({ id }) => id)));
  const variables = given === undefined ? all.filter(({ id }) => uses.has(id)) : all;
  const onGradient = onForward(variables);
  for (const variable of variables) {
    const [only, ...others] = uses.get(variable.id) ?? [];
    if (only === undefined || others.length > 0) continue;
    const { node, input } = only;
    const gradient = node.gradient;
    if (gradient === undefined) continue;
    node.gradient = (dys) => {
      const thunks = gradient(dys);
      const thunk = thunks[input];
      if (thunk === undefined) return thunks; // tfjs names the operation that gives no gradient for an input
      const watchedThunk = () => {
        const value = thunk();
        onGradient(variable, value);
        return value;
      };
      return { ...thunks, [input]: watchedThunk };
    };
  }
}

/** Where the variables are inputs of operations that lead to the loss, by the variables' ids. */
function usesOf(tape: readonly TapeNode[], loss: tf.Tensor, ids: ReadonlySet<number>): Map<number, Use[]> {
  const leading = new Set([loss.id]);
  const uses = new Map<number, Use[]>();
  for (const node of [...tape].reverse()) {
    if (!node.outputs.some(({ id }) => leading.has(id))) continue;
    for (const input of Object.keys(node.inputs)) {
      const { id } = node.inputs[input]!;
      leading.add(id);
      if (ids.has(id)) uses.set(id, [...(uses.get(id) ?? []), { node, input }]);
    }
  }
  return uses;
}

let told = false;

/** The tape that is being recorded; undefined inside of another gradient, whose tape it is too, and where there is none as we know it. */
function activeTape(): readonly TapeNode[] | undefined {
  const { state } = tf.engine() as object as { state?: { activeTape?: unknown; gradientDepth?: unknown } };
  if (typeof state?.gradientDepth === 'number' && state.gradientDepth > 1) return undefined;
  const tape = state?.activeTape;
  if (state?.gradientDepth === 1 && Array.isArray(tape) && tape.every(isTapeNode)) return tape;
  if (!told) {
    console.warn(
      `tsring: this tfjs (${tf.version_core}) has no gradient tape as we know it; gradients are reduced after backward, not during it`,
    );
  }
  told = true;
  return undefined;
}

function isTapeNode(value: unknown): value is TapeNode {
  const { inputs, outputs, gradient } = (value ?? {}) as Partial<TapeNode>;
  return (
    typeof inputs === 'object' &&
    Object.values(inputs).every((input) => input instanceof tf.Tensor) &&
    Array.isArray(outputs) &&
    (gradient === undefined || typeof gradient === 'function')
  );
}
