import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/**
 * The NCCL to load, a name or a path: the one that was set, else the one that `tsring-setup-tensorflow --cuda` has put beside the
 * tfjs-node of the program in `folder`, so that a process has one NCCL, TensorFlow's. Empty where there is neither: what the loader finds.
 */
export function ncclLibrary(set: string | undefined, folder = process.cwd()): string {
  return set ?? besideTensorflow(folder) ?? '';
}

function besideTensorflow(folder: string): string | undefined {
  try {
    const tfjsNode = createRequire(path.join(folder, 'x.js')).resolve('@tensorflow/tfjs-node/package.json');
    const file = path.join(path.dirname(tfjsNode), 'deps/nvidia/nccl/lib/libnccl.so.2');
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined; // no tfjs-node, which is no failure
  }
}
