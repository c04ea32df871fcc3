import { RingError } from '../errors.js';
import { type Cpu, shareOf } from './cpus.js';

/** `auto`: what gives all ranks the same and leaves no core unused, if anything does. */
export type BindTo = 'auto' | 'none' | 'core' | 'numa';

export interface Binding {
  readonly bindTo: BindTo;
  /** For messages. */
  readonly host: string;
  /** One for each local rank: the NUMA node near its GPU, or undefined. */
  readonly nearNodes: readonly (number | undefined)[];
}

/**
 * The processors of each local rank: with `core` an equal share of whole cores, with `numa` all of one node, with `none` undefined. A rank
 * with a GPU has them on the GPU's node; the others are spread over the nodes in order. With `auto` cores, where all ranks get equally many
 * and no core is left over, or all cores equally many ranks; else nodes, where these have equally many ranks each, one core at least for
 * each; else nothing.
 *
 * @throws RING_INVALID_ARGUMENT where there are fewer cores than ranks to have one
 */
export function bindRanks({ bindTo, host, nearNodes }: Binding, cpus: readonly Cpu[]): (number[] | undefined)[] {
  const nodes = [...new Set(cpus.map(({ node }) => node))].sort((a, b) => a - b);
  const nodeOf = nearNodes.map((near, rank) =>
    near !== undefined && nodes.includes(near) ? near : nodes[Math.floor((rank * nodes.length) / nearNodes.length)]!,
  );
  const unit = bindTo === 'auto' ? evenUnit(nodeOf, nodes, cpus) : bindTo;
  return nodeOf.map((node, rank) => {
    if (unit === 'none') return undefined;
    const here = cpus.filter((cpu) => cpu.node === node);
    if (unit === 'numa') return here.map(({ cpu }) => cpu);
    const cores = coresOf(here);
    const sharers = nodeOf.filter((other) => other === node).length;
    if (sharers > cores.length && bindTo !== 'auto') throw tooFewCores(host, node, cores.length, sharers);
    const index = nodeOf.slice(0, rank).filter((other) => other === node).length;
    const own = shareOf(cores, sharers, index);
    return here.filter(({ core }) => own.includes(core)).map(({ cpu }) => cpu);
  });
}

/**
 * A rank that is alone is not bound: it has the machine. Ranks that outnumber the cores are bound too, where each core gets equally many:
 * those that wait give their cores away before they sleep, which the system takes for work, so it does not spread them evenly (measured on
 * two cores: 64 KB among eight ranks takes half as long when they are bound). Ranks that share a core are neighbours: a ring crosses over to
 * another core as rarely as it can, and of what algorithms exchange in pairs most stays in the core's cache.
 */
function evenUnit(nodeOf: readonly number[], nodes: readonly number[], cpus: readonly Cpu[]): 'core' | 'numa' | 'none' {
  const counts = nodes.map((node) => ({
    ranks: nodeOf.filter((one) => one === node).length,
    cores: coresOf(cpus.filter((cpu) => cpu.node === node)).length,
  }));
  const [{ ranks, cores } = { ranks: 0, cores: 0 }] = counts;
  const isEven = counts.every((one) => one.ranks === ranks && one.cores === cores);
  if (!isEven || nodeOf.length < 2 || cores === 0) return 'none';
  if (ranks > cores) return ranks % cores === 0 ? 'core' : 'none';
  if (cores % ranks === 0) return 'core';
  return nodes.length > 1 ? 'numa' : 'none';
}

function coresOf(cpus: readonly Cpu[]): string[] {
  return [...new Set(cpus.map(({ core }) => core))];
}

function tooFewCores(host: string, node: number, cores: number, ranks: number): RingError {
  return new RingError(
    'RING_INVALID_ARGUMENT',
    `--bind-to core: NUMA node ${node} of ${host} has ${cores} cores for ${ranks} ranks; start fewer, or say --bind-to numa or none`,
  );
}
