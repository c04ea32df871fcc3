import assert from 'node:assert/strict';
import { parseHTML } from 'linkedom';
import { drawChart, labelPositions } from '../../../bench/peers/chart.js';
import { fold, ratio } from '../../../bench/peers/fold.js';
import { doubtLine, resultTable, verdictLines, verdictTable } from '../../../bench/peers/report.js';
import type { Sample } from '../../../bench/peers/sample.js';
import { judge, outcome } from '../../../bench/peers/verdicts.js';

const sample = (system: string, round: number, medianUs: number, more: Partial<Sample> = {}): Sample => ({
  system,
  ranks: 2,
  bytes: 2 ** 20,
  round,
  iterations: 100,
  minSeconds: (medianUs / 2) * 1e-6,
  medianSeconds: medianUs * 1e-6,
  backToBackSeconds: medianUs * 1e-6,
  correct: true,
  otherShare: 0.01,
  ...more,
});

describe('bench/peers: what is made of the samples', () => {
  it('folds rounds into medians and spreads, and keeps the worst of what went elsewhere', () => {
    const [result, ...others] = fold([
      sample('mpich', 0, 300),
      sample('mpich', 1, 100, { otherShare: 0.2 }),
      sample('mpich', 2, 200, { correct: false }),
    ]);
    assert.equal(others.length, 0);
    const { rounds, medianSeconds, spreadSeconds, minSeconds } = result!;
    const microseconds = [medianSeconds, ...spreadSeconds, minSeconds].map((seconds) => Math.round(seconds * 1e6));
    assert.deepEqual([rounds, ...microseconds], [3, 200, 100, 300, 50]);
    assert.equal(result!.otherShare, 0.2);
    assert.equal(result!.correct, false);
    assert.equal(result!.busBytesPerSecond, 2 ** 20 / medianSeconds);
  });

  it('compares round by round, so that a machine that slows down does not count', () => {
    const samples = [10, 100, 1000].flatMap((slow, round) => [
      sample('tsring', round, slow),
      sample('gloo-ring', round, 3 * slow, { backToBackSeconds: 5e-6 * slow }),
    ]);
    const where = { ranks: 2, bytes: 2 ** 20, system: 'gloo-ring', ours: 'tsring' };
    const { median, backToBack, min } = ratio(samples, where)!;
    assert.deepEqual(
      [median, backToBack, min].map((each) => each.toFixed(6)),
      ['3.000000', '5.000000', '3.000000'],
    );
    assert.equal(ratio(samples, { ...where, ranks: 4 }), undefined);
    const apart = [sample('tsring', 0, 1), sample('gloo-ring', 1, 1)];
    assert.equal(ratio(apart, where), undefined);
  });

  it('judges against the best rival of each target, and calls a loss a loss', () => {
    const tiny = { bytes: 4 };
    const verdicts = judge(
      [
        ...[sample('tsring', 0, 100), sample('openmpi', 0, 140), sample('gloo-ring', 0, 900)],
        ...[sample('tsring-tcp', 0, 100), sample('openmpi-tcp', 0, 50)],
        ...[sample('tsring', 0, 4, tiny), sample('openmpi', 0, 2, tiny), sample('gloo-ring', 0, 3, tiny)],
        ...[sample('horovod-mpi', 0, 900, tiny), sample('tsring-tcp', 0, 4, tiny), sample('mpich-tcp', 0, 8, tiny)],
      ],
      2,
    );
    assert.deepEqual(
      verdicts.map((verdict) => [verdict.ours, verdict.bytes, verdict.best, outcome(verdict)]),
      [
        ['tsring', 2 ** 20, 'openmpi-tcp', 'lost'],
        ['tsring', 4, 'gloo-ring', 'lost'],
        ['tsring', 4, 'horovod-mpi', 'met'],
        ['tsring', 4, 'openmpi', 'lost, within target'],
        ['tsring-tcp', 4, 'gloo-ring', 'lost'],
        ['tsring-tcp', 2 ** 20, 'openmpi-tcp', 'lost'],
      ],
    );
    const [summary, ...losses] = verdictLines(verdicts);
    assert.equal(summary, '2 of 5 targets met');
    assert.equal(losses.length, 5);
    assert.equal(losses.at(-1), 'loss: tsring-tcp takes 2.00 x the time of openmpi-tcp at np 2, 1 MB');
    assert.match(
      verdictTable(verdicts),
      /\| tsring \| 2 \| 4 B \| Horovod \| horovod-mpi \| 225 \| 225 \| 225 \| 20\.0 \| met \|/,
    );
  });

  it('wants more of a rank count over the number of cores, and of large sizes', () => {
    const at = (ranks: number, bytes: number) =>
      judge([sample('tsring', 0, 10, { ranks, bytes }), sample('mpich', 0, 15, { ranks, bytes })], 2)[0]!;
    assert.equal(at(2, 4).target, 1 / 3);
    assert.equal(at(4, 4).target, 1);
    assert.equal(outcome(at(2, 65536)), 'met');
    assert.equal(outcome(at(2, 2 ** 24)), 'short');
  });

  it('prints one table, with ratios to either way of ours where it applies, and marks rows to doubt', () => {
    const samples = [
      sample('tsring', 0, 100),
      sample('tsring-tcp', 0, 200),
      sample('openmpi', 0, 150),
      sample('openmpi-tcp', 0, 300, { otherShare: 0.4 }),
    ];
    const [header, ...rows] = resultTable(samples).split('\n');
    assert.match(
      header!,
      /^system +np +bytes +median +spread +min +b2b +bus GB\/s +\/tsring +\/tsring-tcp +other +check$/,
    );
    assert.deepEqual(
      rows.map((row) => row.split(/ {2,}/)[0]),
      ['tsring', 'openmpi', 'tsring-tcp', 'openmpi-tcp'],
    );
    assert.match(rows[1]!, / 6\.99 +1\.50 +1 % +ok$/);
    assert.match(rows[3]!, /3\.00 +1\.50 +40 %\* +ok$/);
    assert.match(doubtLine(samples)!, /^\* in 1 of 4 measurements over 5 %/);
    assert.equal(doubtLine(samples.slice(0, 3)), undefined);
  });

  it('draws a line and a label for each system, in an SVG that stands for itself', () => {
    const names = ['tsring', 'mpich', 'gloo-ring'];
    const samples = names.flatMap((name, i) => [4, 2 ** 20].map((bytes) => sample(name, 0, 10 + i, { bytes })));
    const svg = drawChart(fold(samples), 2);
    assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    assert.doesNotMatch(svg, /NaN|undefined|href|<script/);
    const { document } = parseHTML(svg) as unknown as {
      document: { querySelectorAll(selector: string): Iterable<{ textContent: string }> };
    };
    const texts = [...document.querySelectorAll('text')].map(({ textContent }) => textContent);
    for (const text of [...names, '4 B', '1 MB']) assert.ok(texts.includes(text), text);
    assert.equal([...document.querySelectorAll('[aria-label="line"]')].length, names.length);
  });

  it('keeps labels apart and inside, in the order of their lines', () => {
    const values = [1, 1.01, 5, 5.01, 4.99, 1];
    const domain = [1, 5.01] as const;
    const wanted = values.map((value) => labelPositions([value], domain)[0]!);
    assert.deepEqual(wanted, [0, 0, 0, 0, 0, 0]);
    const moved = labelPositions(values, domain);
    assert.ok(moved[0]! <= 0 && moved[3]! >= 0);
    assert.equal(new Set([moved[0], moved[5]]).size, 2);
  });
});
