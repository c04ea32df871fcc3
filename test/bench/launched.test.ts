import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readRecords } from '../../lib/report/read-records.js';
import { type RankOutput, tsrun } from '../helpers/tsrun.js';

const bench = (file: string) => fileURLToPath(new URL(`../../bench/${file}`, import.meta.url));
const row = /^(\d+)\timages\/sec: (\d+\.\d) \+\/- (\d+\.\d) \(jitter = (\d+\.\d)\)\t(\d+\.\d{3})$/;

/** NODE_OPTIONS for a process in which tfjs-node does not load. */
const withoutTensorflow = `--import=data:text/javascript,${encodeURIComponent(`
  import Module from 'node:module';
  const load = Module._load;
  Module._load = function (id, ...rest) {
    if (id === '@tensorflow/tfjs-node') throw new Error('not here.\\nfor a test');
    return load.call(this, id, ...rest);
  };
`)}`;

interface TrainRecord {
  ranks: number;
  settings: { batch_size: number; num_batches: number };
  stepSeconds: number[];
  rows: { step: number; loss: number }[];
  elapsedSeconds: number;
  totalImagesPerSecond: number;
}

describe('bench under tsrun', function () {
  this.timeout(180_000);
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'tsring-bench-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('train.ts prints the table of tf_cnn_benchmarks, once, and figures that agree', async () => {
    await checkTraining('--model trivial --backend cpu --image_size 16 --num_classes 10');
  });

  it('train.ts trains Inception v1 on the tensorflow backend', async function () {
    const loading = spawnSync(process.execPath, ['--eval', "require('@tensorflow/tfjs-node')"], { encoding: 'utf8' });
    if (loading.status !== 0) {
      console.log('      skipped: @tensorflow/tfjs-node does not load here; npm run setup:tensorflow sets it up');
      this.skip();
    }
    await checkTraining('--model inception_v1 --backend tensorflow --image_size 32 --optimizer momentum');
  });

  it('train.ts on parameter servers has every rank make every step', async () => {
    const args =
      '--model embedded --backend cpu --image_size 8 --num_classes 10 --batch_size 2 --num_batches 3 --num_warmup_batches 1';
    const run = await tsrun({
      np: 2,
      flags: ['--ps', '2', '--server-backend', 'cpu'],
      script: bench('../dist/bench/train.js'),
      args: [...args.split(' '), '--variable_update', 'parameter_server', '--max_staleness', '1'],
      timeoutMs: 60_000,
    });
    const { stdout } = run.ranks[0]!;
    assert.ok(stdout.includes('Variables:   parameter_server'));
    assert.match(stdout.at(-2)!, /^total images\/sec: \d+\.\d{2}$/);
  });

  it('train.ts without communication leaves each rank its own loss', async () => {
    const args =
      '--model embedded --backend cpu --image_size 8 --num_classes 10 --batch_size 2 --num_batches 2 --num_warmup_batches 0';
    const run = await tsrun({
      np: 2,
      script: bench('train.ts'),
      args: [...args.split(' '), '--variable_update', 'independent'],
      timeoutMs: 60_000,
    });
    assert.ok(run.ranks[0]!.stdout.includes('Variables:   independent'));
    assert.match(run.ranks[0]!.stdout.at(-2)!, /^total images\/sec: \d+\.\d{2}$/);
  });

  it('a mistake is told once, and fails the job', async () => {
    const run = await tsrun({
      np: 2,
      script: bench('train.ts'),
      args: ['--optimiser', 'sgd'],
      timeoutMs: 60_000,
      expectFailure: true,
    });
    assert.equal(run.code, 1);
    assert.deepEqual(
      run.ranks.map((rank) => rank.stderr),
      [["error: unknown option '--optimiser'", '(Did you mean --optimizer?)'], []],
    );
  });

  it('a benchmark that starts its ranks itself refuses to be one, once', async () => {
    const run = await tsrun({
      np: 2,
      script: bench('collectives-start.ts'),
      args: ['--sizes', '4'],
      timeoutMs: 60_000,
      expectFailure: true,
    });
    assert.equal(run.code, 1);
    assert.match(
      run.ranks.map(({ stderr }) => stderr.join('\n')).join('|'),
      /^error: bench:collectives starts its ranks by itself.*run it without tsrun.*dist\/bench\/collectives\.js.*\|$/,
    );
  });

  it('a model that the backend cannot train is told once, without a stack trace', async () => {
    const run = await tsrun({
      np: 2,
      script: bench('train.ts'),
      args: ['--backend', 'wasm', '--model', 'vgg19'],
      timeoutMs: 60_000,
      expectFailure: true,
    });
    assert.equal(run.code, 1);
    assert.match(
      run.ranks[0]!.stderr.join('\n'),
      /^error: --model vgg19: tfjs has no gradients of convolutions on wasm.*$/,
    );
    assert.deepEqual(run.ranks[1]!.stderr, []);
  });

  it('without TensorFlow the embedded model trains, and one line says why', async () => {
    const run = await tsrun({
      np: 2,
      script: bench('train.ts'),
      args: ['--num_batches', '2', '--num_warmup_batches', '0', '--batch_size', '2'],
      env: { NODE_OPTIONS: withoutTensorflow },
      timeoutMs: 60_000,
    });
    const [{ stdout, stderr }, other] = run.ranks as [RankOutput, RankOutput];
    assert.deepEqual(stderr, ['TensorFlow does not load (not here); using the wasm backend']);
    assert.deepEqual(other.stderr, []);
    assert.ok(stdout.includes('Model:       embedded') && stdout.includes('Backend:     wasm'));
  });

  it('without TensorFlow a model that needs it is refused, not replaced', async () => {
    const run = await tsrun({
      np: 2,
      script: bench('train.ts'),
      args: ['--model', 'inception_v1'],
      env: { NODE_OPTIONS: withoutTensorflow },
      timeoutMs: 60_000,
      expectFailure: true,
    });
    assert.deepEqual(
      run.ranks.map((rank) => rank.stderr),
      [
        [
          'error: --model inception_v1 needs TensorFlow, which does not load: not here; npm run setup:tensorflow sets it up',
        ],
        [],
      ],
    );
  });

  it('overlap.ts tells what communication leaves of a step in each of three ways', async () => {
    const file = path.join(folder, 'overlap.jsonl');
    const flags = '--model embedded --backend cpu --image_size 8 --num_classes 10 --batch_size 2 --steps 2';
    const args = [...flags.split(' '), '--json', file];
    const run = await tsrun({ np: 2, script: bench('overlap.ts'), args, timeoutMs: 60_000 });
    const [{ stdout }, other] = run.ranks as [RankOutput, RankOutput];
    assert.deepEqual(other.stdout, []);
    assert.equal(stdout.length, 6, stdout.join('\n'));
    assert.match(stdout.at(-1)!, /^hidden: -?\d+ % of the communication; a step takes \d+\.\d{3} of its time/);
    interface Line {
      of: Record<string, { step: number; exposed: number }>;
      times: Record<string, unknown[][]>;
    }
    assert.equal(readRecords(file).length, 1);
    const { of, times } = JSON.parse(readFileSync(file, 'utf8')) as Line;
    assert.equal(of['none']!.exposed, 0);
    for (const way of ['after', 'during']) {
      assert.ok(of[way]!.exposed > 0 && of[way]!.exposed < of[way]!.step, JSON.stringify(of));
      assert.deepEqual(times[way]!.map((steps) => steps.length), [2, 2]); // prettier-ignore
    }
  });

  it('collectives.ts finds every sum right, in the columns that other benches print', async () => {
    const file = path.join(folder, 'rows.jsonl');
    const run = await tsrun({
      np: 3,
      script: bench('collectives.ts'),
      args: ['--sizes', '4,4004,256K', '--budget', '0.02', '--tsv', '--json', file],
      timeoutMs: 60_000,
    });
    const [header, ...rows] = run.ranks[0]!.stdout.map((line) => line.split('\t'));
    assert.equal(
      header!.join(' '),
      'system np bytes iters min_us median_us b2b_us algbw_GBs busbw_GBs busbw_b2b_GBs check',
    );
    assert.deepEqual(
      rows.map((cells) => [cells[0], cells[1], cells[2], cells.at(-1)]),
      ['4', '4004', '262144'].map((bytes) => ['tsring', '3', bytes, 'ok']),
    );
    assert.deepEqual(run.ranks[1]!.stdout, []);
    assert.equal(readRecords(file).length, 1);
    const record = JSON.parse(readFileSync(file, 'utf8')) as { rows: { correct: boolean }[] };
    assert.ok(record.rows.length === 3 && record.rows.every(({ correct }) => correct));
  });

  async function checkTraining(flags: string): Promise<void> {
    const file = path.join(folder, 'runs.jsonl');
    const steps = '--batch_size 2 --num_batches 6 --num_warmup_batches 1 --display_every 3';
    const run = await tsrun({
      np: 2,
      script: bench('train.ts'),
      args: [...`${flags} ${steps}`.split(' '), '--json', file],
      timeoutMs: 120_000,
    });
    assert.deepEqual(run.ranks[1]!.stdout, []);
    const lines = run.ranks[0]!.stdout;
    const start = lines.indexOf('==========');
    assert.equal(start, 14);
    for (const line of lines.slice(0, start)) assert.match(line, /^([A-Z][A-Za-z ]*:|) +\S/);
    assert.ok(lines.includes('Batch size:  4 global') && lines.includes('             2 per device'));
    assert.deepEqual(lines.slice(start + 1, start + 5), [
      'Generating training model',
      'Running warm up',
      'Done warm up',
      'Step\tImg/sec\ttotal_loss',
    ]);
    const rows = lines.slice(start + 5, -3).map((line) => row.exec(line));
    assert.deepEqual(
      rows.map((cells) => cells?.[1]),
      ['1', '3', '6'],
      lines.join('\n'),
    );

    assert.equal(readRecords(file).length, 1);
    const record = JSON.parse(readFileSync(file, 'utf8')) as TrainRecord;
    const { ranks, settings, elapsedSeconds } = record;
    const total = Number(/^total images\/sec: (\d+\.\d{2})$/.exec(lines.at(-2)!)![1]);
    assert.ok(Math.abs(total - (ranks * settings.num_batches * settings.batch_size) / elapsedSeconds) < 0.01);
    const inSteps = record.stepSeconds.reduce((sum, each) => sum + each, 0);
    assert.ok(record.stepSeconds.length === 6 && inSteps <= elapsedSeconds, 'steps fit between the barriers');
    assert.ok(Math.abs(Number(rows.at(-1)![2]) - (6 * 4) / inSteps) < 0.1, 'the last row is the mean over all steps');
    assert.ok(record.rows.every(({ loss }) => Number.isFinite(loss)));
  }
});
