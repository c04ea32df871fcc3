import { bindRanks } from '../../lib/launcher/bind-ranks.js';
import { allowedCpus, type Cpu } from '../../lib/launcher/cpus.js';
import { formatCpuList } from '../../lib/processors.js';

/**
 * The processors of each rank on this machine, as taskset has them: as many cores as threads, where there are as many. TensorFlow with fewer
 * threads than processors takes longer for a convolution than with as many, so that all systems get the same. Empty where the system does not tell.
 */
export function processorsOfRanks(ranks: number, threads: number, cpus: readonly Cpu[] = ours()): string[] {
  const cores = [...new Set(cpus.map(({ core }) => core))].slice(0, ranks * threads);
  const used = cpus.filter(({ core }) => cores.includes(core));
  if (used.length === 0) return [];
  const nearNodes = Array<undefined>(ranks).fill(undefined);
  const bound = bindRanks({ bindTo: 'auto', host: 'this machine', nearNodes }, used);
  return bound.map((own) => formatCpuList(own ?? used.map(({ cpu }) => cpu)));
}

function ours(): Cpu[] {
  return process.platform === 'linux' ? allowedCpus() : [];
}
