import * as ring from '../../lib/index.js';
import { median } from '../../lib/statistics.js';
import { openBackend } from '../backend.js';
import { appendRecord } from '../json-line.js';
import { describeCommit, describeMachine } from '../machine.js';
import { runBenchmark, UsageError } from '../main.js';
import { models } from '../models/index.js';
import { parseTrainOptions, type TrainOptions } from '../train-options.js';
import { makeTrainer } from '../trainer.js';
import { type Input, openInput, syntheticInput } from './input.js';
import { comparisonLines, type InputFigures } from './comparison.js';

// One rank of bench:input. Steps on a synthetic batch and on one from files take turns, so that both meet the same machine.

const warmup = 2;

await runBenchmark(parseTrainOptions(process.argv.slice(2)), measure);

async function measure(options: TrainOptions): Promise<void> {
  const { model = 'inception_v1', data_dir: dataDir, batch_size: batchSize, num_batches: timed } = options;
  if (dataDir === undefined) throw new UsageError('--data_dir is wanted');
  const { tf, name } = await openBackend(options.backend === 'auto' ? 'tensorflow' : options.backend);
  if (name === 'tensorflow') ring.accelerate();
  const settings = { ...options, model, image_size: options.image_size ?? models[model].imageSize };
  const trainer = await makeTrainer({ ...settings, learning_rate: 0.001 }, tf);
  const synthetic = syntheticInput(tf, settings);
  const real = await openInput(tf, settings);

  async function step(input: Input): Promise<{ seconds: number; inputSeconds: number }> {
    ring.barrierSync({ name: 'begin' });
    const began = performance.now();
    const batch = await input.next();
    const inputSeconds = (performance.now() - began) / 1e3;
    trainer.step(batch);
    return { seconds: (performance.now() - began) / 1e3, inputSeconds };
  }

  const [syntheticSteps, realSteps, waits]: [number[], number[], number[]] = [[], [], []];
  for (let i = -warmup; i < timed; i++) {
    const one = await step(synthetic);
    const other = await step(real);
    if (i < 0) continue;
    syntheticSteps.push(one.seconds);
    realSteps.push(other.seconds);
    waits.push(other.inputSeconds);
  }
  const images = ring.size() * batchSize;
  const figures: InputFigures = {
    syntheticPerSecond: images / median(syntheticSteps),
    realPerSecond: images / median(realSteps),
    readPerSecond: await readAlone(real, Math.max(8, timed), images),
    inputSeconds: median(waits),
    stepSeconds: median(realSteps),
  };
  synthetic.close();
  real.close();
  if (ring.rank() !== 0) return;
  console.log(comparisonLines(`${model}, ${ring.size()} ranks, batch ${batchSize}, ${settings.image_size} pixels; ${real.name}`, figures).join('\n')); // prettier-ignore
  if (options.json === undefined) return;
  appendRecord(options.json, {
    ...{
      benchmark: 'input' as const,
      time: new Date().toISOString(),
      commit: describeCommit(),
      machine: describeMachine(),
    },
    ...{ ranks: ring.size(), settings, threads: process.env['TF_NUM_INTRAOP_THREADS'] },
    ...{ figures, syntheticSteps, realSteps, inputSeconds: waits },
  });
}

/** Images a second that all ranks read when nothing else is done. What had been read ahead before is not counted. */
async function readAlone(input: Input, batches: number, images: number): Promise<number> {
  const ahead = 16; // no rank reads as much ahead unless it is told to
  for (let i = 0; i < ahead; i++) await input.next();
  ring.barrierSync({ name: 'read' });
  const began = performance.now();
  for (let i = 0; i < batches; i++) await input.next();
  ring.barrierSync({ name: 'read' });
  return (images * batches * 1e3) / (performance.now() - began);
}
