import { RingError } from '../errors.js';
import type { HostSlots } from './assign-ranks.js';
import type { CountOrRule } from './flag-values.js';
import type { HostFacts } from './host-facts.js';
import type { HostSpec } from './hosts.js';

/**
 * How many ranks a host takes.
 *
 * @param perNode - slots of hosts that say none
 * @param facts - what is counted for `auto`, `gpu` and `cpu`
 * @throws RING_INVALID_ARGUMENT for `gpu` where there are none
 */
export function resolveSlots(spec: HostSpec, perNode: CountOrRule | undefined, facts: HostFacts): HostSlots {
  const rule = spec.slots ?? perNode ?? spec.mentions;
  const slots = typeof rule === 'number' ? rule : counted(rule, spec.host, facts);
  return { host: spec.host, slots, ...(spec.maxSlots === undefined ? {} : { maxSlots: spec.maxSlots }) };
}

function counted(rule: 'auto' | 'gpu' | 'cpu', host: string, { gpus, cpus }: HostFacts): number {
  if (rule === 'gpu' && gpus.length === 0) {
    throw new RingError('RING_INVALID_ARGUMENT', `--nproc-per-node gpu: host ${host} has no GPU that ranks may use`);
  }
  return rule === 'cpu' || gpus.length === 0 ? cpus.length : gpus.length;
}
