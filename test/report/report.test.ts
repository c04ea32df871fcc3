import { parseHTML } from 'linkedom';
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RingError } from '../../lib/errors.js';
import { comparisonTable, ratioCell } from '../../lib/report/compare.js';
import { efficiencies } from '../../lib/report/efficiency.js';
import { report } from '../../lib/report/main.js';
import { measuredIn } from '../../lib/report/measured.js';
import { readRecords } from '../../lib/report/read-records.js';
import type { RecordOf } from '../../lib/report/records.js';
import { spreadOf } from '../../lib/statistics.js';

const results = path.join(import.meta.dirname, '../../docs/results');

/** As train.js writes it, on so many ranks, whose steps all take so many seconds. */
const train = (ranks: number, seconds: number, more: Partial<RecordOf<'train'>> = {}): RecordOf<'train'> => ({
  benchmark: 'train',
  ranks,
  settings: { model: '<vgg> & "co"', batch_size: 8, image_size: 32, variable_update: 'collective' },
  backend: 'cpu',
  parameters: 10,
  stepSeconds: [seconds, seconds],
  ...more,
});

describe('tsrun report', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'tsring-report-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  function written(name: string, ...lines: (object | string)[]): string {
    const file = path.join(folder, name);
    writeFileSync(file, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
    return file;
  }

  /** The page's elements, of which a test uses no more than this. */
  function pageOf(...files: string[]) {
    const html = path.join(folder, 'page.html');
    const printed = report(files, html);
    const text = readFileSync(html, 'utf8');
    const { document } = parseHTML(text) as unknown as { document: { querySelectorAll(of: string): Iterable<{ textContent: string }> } }; // prettier-ignore
    return { printed, text, all: (selector: string) => [...document.querySelectorAll(selector)].map((one) => one.textContent) }; // prettier-ignore
  }

  it('reads all that the benchmarks have left in docs/results, and draws it in a page that needs nothing else', () => {
    const files = readdirSync(results).filter((name) => /\.jsonl?$/.test(name));
    assert.ok(files.length >= 4);
    const { printed, text, all } = pageOf(...files.map((name) => path.join(results, name)));
    for (const name of files) assert.ok(printed.includes(name), name);
    assert.ok(all('figure').length >= 6);
    assert.ok(all('polyline').length > 20 && all('rect').length > 20);
    assert.doesNotMatch(text, /<script|<link|<img|url\(|NaN|Infinity|undefined/);
    assert.deepEqual([...new Set(text.match(/https?:[^"]*/g))], ['http://www.w3.org/2000/svg']);
  });

  it('puts rounds of the same together, and compares files by their medians', () => {
    const before = written('before.jsonl', train(2, 0.5), train(2, 0.4), train(2, 0.25));
    const after = written('after.jsonl', train(2, 0.2), train(2, 0.1), train(2, 0.16));
    const lines = pageOf(before, after).printed.split('\n');
    assert.match(lines[0]!, /^figure +unit +before\.jsonl +after\.jsonl +ratio$/);
    assert.match(lines[1]!, /^<vgg> & "co", np 2, .* images\/s +40 \(32 to 64\) +100 \(80 to 160\) +2\.500$/);
  });

  it('marks a ratio where the rounds of both overlap, and leaves out what one side lacks', () => {
    const around = (value: number) => spreadOf([0.9 * value, value, 1.1 * value]);
    assert.equal(ratioCell(around(10), around(11)), '~1.100');
    assert.equal(ratioCell(around(10), around(20)), '2.000');
    assert.equal(ratioCell(around(10), spreadOf([10])), '1.000');
    assert.equal(ratioCell(undefined, around(10)), '');
    const runs = [train(1, 0.1), train(2, 0.1)].map((one, i) => ({ name: `run ${i}`, measured: measuredIn([one]) }));
    assert.match(comparisonTable(runs), /np 2.* - +160\n/);
  });

  it('splits a step into parts that add up to it', () => {
    const parts = { communication: [0.1, 0.1], waiting: [0.02, 0.02], input: [0, 0] };
    const [training] = measuredIn([train(2, 0.5, { parts })]).trainings;
    assert.deepEqual(training!.parts, { compute: 380, communication: 100, waiting: 20, input: 0 });
    const { all } = pageOf(written('parts.json', train(2, 0.5, { parts })));
    assert.ok(all('rect').some((told) => told.endsWith('communication 100.00 ms')));
  });

  it('tells what steps on images from files have waited for', () => {
    const of = { ranks: 2, settings: { model: 'vgg19', batch_size: 1, image_size: 224 } };
    const steps = { syntheticSteps: [0.5, 0.5], realSteps: [0.8, 0.8], inputSeconds: [0.2, 0.2] };
    const [synthetic, real] = measuredIn([{ benchmark: 'input', ...of, ...steps }]).trainings;
    assert.equal(synthetic!.parts, undefined);
    assert.deepEqual(real!.parts, { compute: 600, communication: 0, waiting: 0, input: 200 });
    const workload = { model: 'vgg19', ranks: 2, batch: 1, imageSize: 224, threads: 1 };
    const sample = {
      system: 'tsring-images',
      ...workload,
      steps: [100, 100],
      localSteps: [75, 75],
      inputSteps: [5, 5],
    };
    const [images] = measuredIn([{ benchmark: 'training', samples: [sample] }]).trainings;
    assert.deepEqual(images!.parts, { compute: 70, communication: 25, waiting: 0, input: 5 });
  });

  it('tells the efficiency where one rank was measured as well', () => {
    const of = (...records: RecordOf<'train'>[]) => efficiencies(measuredIn(records).trainings);
    assert.deepEqual(of(train(2, 0.5)), []);
    const [one, four] = of(train(1, 0.2), train(4, 0.25));
    assert.deepEqual([one!.efficiency, four!.efficiency], [1, 0.8]);
  });

  it('escapes what files say', () => {
    const { text } = pageOf(written('names.json', train(2, 0.5)));
    assert.ok(text.includes('&lt;vgg&gt; &amp; &quot;co&quot;') && !text.includes('<vgg>'));
  });

  for (const [what, lines, message] of [
    ['other lines', [train(1, 1), { loss: 1 }], /bad\.jsonl, line 2: this was not written by a benchmark/],
    ['text', [train(1, 1), '', 'hello'], /bad\.jsonl, line 3: this is no JSON/],
    ['benchmarks unknown here', [{ benchmark: 'xyz' }], /bad\.jsonl, line 1: no benchmark "xyz" is known/],
    [
      'records cut short',
      [{ benchmark: 'train', ranks: 2 }],
      /line 1: this is not what the benchmark "train" writes: settings/,
    ],
    ['nothing', [], /bad\.jsonl is empty/],
  ] as const) {
    // prettier-ignore
    it(`refuses a file with ${what}, and says where`, () => {
      const file = written('bad.jsonl', ...lines);
      const isRefusal = (error: unknown) =>
        error instanceof RingError && error.code === 'RING_INVALID_ARGUMENT' && message.test(error.message);
      assert.throws(() => readRecords(file), isRefusal);
    });
  }
});
