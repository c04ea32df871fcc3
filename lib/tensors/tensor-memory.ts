import { activeSession } from '../active-session.js';
import { bridge } from './bridge.js';
import { whyThroughHost } from './gpu-tensors.js';
import { tensorflowBridge } from './tensorflow-bridge.js';

/** Where tensors are combined, and why not on the GPU. */
export interface TensorMemory {
  readonly memory: 'cuda' | 'host';
  /** Absent for `cuda`. */
  readonly reason?: string;
}

/**
 * Where sums, averages and broadcasts of tfjs tensors of float32 are done: by NCCL where TensorFlow has them on this rank's GPU, or in main
 * memory. What other ranks lack shows once there has been an operation. Looks at TensorFlow the first time, which takes a moment.
 *
 * @throws {RingError} `RING_NOT_INITIALIZED` or `RING_SHUT_DOWN`
 */
export function tensorMemory(): TensorMemory {
  const { native } = activeSession();
  const own = bridge() === tensorflowBridge ? whyThroughHost(native) : 'tfjs computes on the CPU';
  const [, others] = /^host: ([^]*)$/.exec(native.deviceWay()) ?? [];
  const reason = own ?? others;
  return reason === undefined ? { memory: 'cuda' } : { memory: 'host', reason };
}
