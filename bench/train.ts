import { activeSession } from '../lib/active-session.js';
import * as ring from '../lib/index.js';
import { chooseOverlap } from '../lib/training/choose-overlap.js';
import { type Backend, firstLine, openBackend, openBestBackend } from './backend.js';
import { countBlockedTime } from './blocked-time.js';
import { openInput } from './input/input.js';
import { appendRecord } from './json-line.js';
import { describeCommit, describeMachine } from './machine.js';
import { runBenchmark, UsageError } from './main.js';
import { type ModelName, type ModelSpec, models } from './models/index.js';
import { mean, speed } from './statistics.js';
import { type Accelerable, type TrainOptions, accelerable, parseTrainOptions } from './train-options.js';
import { columnTitles, headerLines, inputLine, rowLine, totalLines } from './train-report.js';
import { partsOfSteps, timeAllreduces } from './train-parts.js';
import { makeTrainer } from './trainer.js';

const setUpHint = '; npm run setup:tensorflow sets it up';

await runBenchmark(parseTrainOptions(process.argv.slice(2)), train);

async function train(options: TrainOptions): Promise<void> {
  const backend = await chooseBackend(options);
  const settings = settle(options, backend);
  if (settings.accelerate.length > 0) ring.accelerate(partsOf(settings.accelerate));
  const say = (line: string) => {
    if (ring.rank() === 0) console.log(line);
  };
  const input = await openInput(backend.tf, settings);
  const setup = {
    model: settings.model,
    dataset: input.name,
    ranks: ring.size(),
    batchSize: settings.batch_size,
    numBatches: settings.num_batches,
    device: backend.device,
    dataFormat: settings.data_format,
    optimizer: settings.optimizer,
    variableUpdate: settings.variable_update,
    backend: describeBackend(backend, settings.accelerate),
  };
  headerLines(setup).forEach(say);

  say('Generating training model');
  const trainer = await makeTrainer(settings, backend.tf);
  say('Running warm up');
  for (let i = 0; i < settings.num_warmup_batches; i++) trainer.step(await input.next());
  await ring.barrier({ name: 'warm' });
  say('Done warm up');

  say(columnTitles);
  const stepSeconds: number[] = [];
  const inputSeconds: number[] = [];
  const blockedSeconds: number[] = [];
  const blocked = countBlockedTime();
  const rows: { step: number; loss: number }[] = [];
  const start = performance.now();
  for (let step = 1; step <= settings.num_batches; step++) {
    const stepStart = performance.now();
    const batch = await input.next();
    inputSeconds.push((performance.now() - stepStart) / 1e3);
    blocked();
    const ownLoss = trainer.step(batch);
    stepSeconds.push((performance.now() - stepStart) / 1e3);
    blockedSeconds.push(blocked() / 1e3);
    if (step !== 1 && step % settings.display_every !== 0) continue;
    const loss = trainer.meanOverRanks(ownLoss);
    say(rowLine(step, speed(setup.ranks * setup.batchSize, stepSeconds), loss));
    if (!Number.isFinite(loss) && rows.every((row) => Number.isFinite(row.loss))) warnOfLoss(loss, step);
    rows.push({ step, loss });
  }
  await ring.barrier({ name: 'done' });
  const elapsedSeconds = (performance.now() - start) / 1e3;
  const imagesPerSecond = (setup.ranks * settings.num_batches * settings.batch_size) / elapsedSeconds;
  totalLines(imagesPerSecond).forEach(say);
  if (settings.data_dir !== undefined) say(inputLine(mean(inputSeconds), mean(stepSeconds)));
  input.close();
  // Parameter servers are spoken with by a thread, and not by operations.
  const together = settings.variable_update === 'collective' && ring.size() > 1;
  const measured = options.json !== undefined &&
    together && {
      parts: await partsOfSteps({ blocked: blockedSeconds, input: inputSeconds }),
      allreduces: timeAllreduces(),
    };

  if (options.json !== undefined && ring.rank() === 0) {
    appendRecord(options.json, {
      benchmark: 'train',
      time: new Date().toISOString(),
      commit: describeCommit(),
      machine: describeMachine(),
      ranks: setup.ranks,
      localRanks: ring.localSize(),
      settings,
      backend: backend.name,
      tensorflowVersion: backend.version,
      tfjsVersion: backend.tf.version_core,
      threads: process.env['TF_NUM_INTRAOP_THREADS'],
      parameters: trainer.parameters,
      stepSeconds,
      inputSeconds,
      ...measured,
      rows,
      ...speed(setup.ranks * setup.batchSize, stepSeconds),
      elapsedSeconds,
      totalImagesPerSecond: imagesPerSecond,
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    });
  }
}

function partsOf(names: readonly Accelerable[]): Record<Accelerable, boolean> {
  return Object.fromEntries(accelerable.map((name) => [name, names.includes(name)])) as Record<Accelerable, boolean>;
}

function describeBackend({ name, version }: Backend, accelerated: readonly Accelerable[]): string {
  const parts = accelerated.length === 0 ? '' : `, accelerated: ${accelerated.join(', ')}`;
  return `${name}${version === undefined ? '' : ` ${version}`}${parts}`;
}

/** The backend asked for; with `auto` the best there is, and a line on stderr where that is not tensorflow. */
async function chooseBackend({ backend: asked, model }: TrainOptions): Promise<Backend> {
  if (asked !== 'auto') {
    return openBackend(asked).catch((error: unknown) => {
      throw new UsageError(`--backend ${asked}: ${firstLine(error)}${asked === 'tensorflow' ? setUpHint : ''}`);
    });
  }
  const { backend, whyNotTensorflow } = await openBestBackend();
  if (whyNotTensorflow !== undefined) {
    if (model !== undefined && !isDense(model)) {
      throw new UsageError(`--model ${model} needs TensorFlow, which does not load: ${whyNotTensorflow}${setUpHint}`);
    }
    if (ring.rank() === 0) {
      console.error(`TensorFlow does not load (${whyNotTensorflow}); using the ${backend.name} backend`);
    }
  }
  return backend;
}

function isDense(model: ModelName): boolean {
  return (models[model] as ModelSpec).dense === true;
}

/** Puts the model's own values where none were asked for, and refuses what the backend cannot do. */
function settle(options: TrainOptions, { name }: Backend) {
  const model = options.model ?? (name === 'tensorflow' ? 'inception_v1' : 'embedded');
  if (name === 'wasm' && !isDense(model)) {
    throw new UsageError(`--model ${model}: tfjs has no gradients of convolutions on wasm; use --backend tensorflow`);
  }
  const ofServers = options.cross_replica_sync ?? options.max_staleness;
  if (ofServers !== undefined && options.variable_update !== 'parameter_server') {
    throw new UsageError('--cross_replica_sync and --max_staleness go with --variable_update parameter_server');
  }
  const spec: ModelSpec = models[model];
  return {
    ...options,
    model,
    batch_size: options.batch_size === 0 ? spec.batchSize : options.batch_size,
    learning_rate: options.learning_rate ?? spec.learningRate,
    accelerate: name === 'tensorflow' ? options.accelerate : [],
    image_size: options.image_size ?? spec.imageSize,
    overlap:
      options.variable_update === 'collective' && (options.overlap ?? chooseOverlap(activeSession().places).overlap),
  };
}

function warnOfLoss(loss: number, step: number): void {
  if (ring.rank() !== 0) return;
  console.error(`warning: the loss is ${loss} at step ${step}; try a smaller --learning_rate (speeds remain valid)`);
}
