import { EmulatedHosts } from '../network/emulated-hosts.js';
import { runProcesses } from '../peers/run-processes.js';
import { foldSamples } from './figures.js';
import type { TrainingOptions } from './options.js';
import { percent } from './report.js';
import { parseSample, type Sample } from './sample.js';
import type { System } from './systems.js';
import type { Start } from './workload.js';

/** Every system's turns: in each round once on every workload, network and number of ranks. `note` is told what could not be measured. */
export async function measureAll(
  options: Pick<TrainingOptions, 'rounds' | 'workloads' | 'warmup' | 'networks' | 'np' | 'timeout'>,
  systems: readonly System[],
  rest: Pick<Start, 'threads' | 'python' | 'images'>,
  note: (text: string) => void,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const { round, workload, rate, ranks } of places(options)) {
    await using network =
      rate === 'host' ? undefined : await EmulatedHosts.create({ hosts: ranks, rateMbit: rate, ownCpus: true });
    for (const system of systems) {
      if (system.onlyAlone && ranks > 1) continue;
      const images = system.wantsImages ? rest.images : undefined;
      const start = { ...rest, images, ranks, network, workload: { ...workload, warmup: options.warmup } };
      const told = await measure(system, start, options.timeout);
      if (typeof told === 'string') {
        note(`${system.name}, ${workload.model}, np ${ranks}, ${nameOf(rate)}: ${told}`);
        continue;
      }
      samples.push({ ...told, system: system.name, network: nameOf(rate), round });
      console.error(progressLine(samples.at(-1)!));
    }
  }
  return samples;
}

/** One rank needs no network. */
function* places({
  rounds,
  workloads,
  networks,
  np,
}: Pick<TrainingOptions, 'rounds' | 'workloads' | 'networks' | 'np'>) {
  for (let round = 0; round < rounds; round++)
    for (const workload of workloads)
      for (const rate of networks)
        for (const ranks of np) if (rate === 'host' || ranks > 1) yield { round, workload, rate, ranks };
}

/** A string is why there is no sample. */
async function measure(system: System, start: Start, timeout: number) {
  try {
    return await system.launch(start, async (commands) => {
      const { output, failure } = await runProcesses(commands, {
        timeoutMs: timeout * 1000,
        signal: new AbortController().signal,
        isComplete: (text) => parseSample(text) !== undefined,
      });
      return parseSample(output) ?? failure ?? 'it told nothing';
    });
  } catch (error) {
    return (error as Error).message.split('\n')[0]!;
  }
}

function nameOf(rate: 'host' | number): string {
  return rate === 'host' ? 'host' : rate === 0 ? 'unshaped' : `${rate} Mbit/s`;
}

function progressLine(sample: Sample): string {
  const [{ stepMs, communication }] = foldSamples([sample]) as [ReturnType<typeof foldSamples>[0]];
  const { round, model, ranks, network, system } = sample;
  return `round ${round}  ${model}  np ${ranks}  ${network}  ${system}  ${stepMs.toFixed(0)} ms  ${percent(communication)}`;
}
