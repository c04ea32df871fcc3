import type * as tfjs from '@tensorflow/tfjs';

/** Names of the operations with several inputs or outputs that TensorFlow runs from now on. */
export function operationsRan(tf: Pick<typeof tfjs, 'backend'>): Set<string> {
  const ran = new Set<string>();
  const backend = tf.backend() as unknown as {
    executeMultipleOutputs: (name: string, ...rest: unknown[]) => unknown;
  };
  const execute = backend.executeMultipleOutputs.bind(backend);
  backend.executeMultipleOutputs = (name, ...rest) => {
    ran.add(name);
    return execute(name, ...rest);
  };
  return ran;
}
