import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mergeTimeline } from '../lib/timeline/merge.js';
import { tsrun } from './helpers/tsrun.js';

interface Event {
  readonly name: string;
  readonly ph: 'M' | 'X' | 'b' | 'e';
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly id?: number;
  readonly cat?: string;
  readonly args?: {
    readonly tensor?: string;
    readonly bytes?: number;
    readonly algorithm?: string;
    name?: string;
    sort_index?: number;
  };
}

describe('timeline', () => {
  let folder = '';
  let file = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tsring-timeline-'));
    file = path.join(folder, 'out.json');
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const read = () => JSON.parse(readFileSync(file, 'utf8')) as Event[];

  it('of a job: one file with the stages and the phases of every operation of every rank', async () => {
    const flags = ['--timeline-filename', file, '--transport', 'tcp', '--algorithm', 'ring'];
    const { stderr } = await tsrun({ np: 3, script: 'scripts/timeline.ts', flags, timeoutMs: 30_000 });
    assert.match(stderr, new RegExp(`tsrun: timeline of 3 ranks in ${file}\n`));
    const events = read();
    for (const rank of [0, 1, 2]) {
      const own = events.filter(({ pid }) => pid === rank);
      assert.ok(own.some(({ ph, args }) => ph === 'M' && args?.name?.startsWith(`rank ${rank} on `)));
      for (const tensor of ['allreduce "small"', 'allreduce "large"', 'allreduce "group"', 'allgather "rows"'])
        assert.equal(own.filter(({ ph, name }) => ph === 'X' && name === tensor).length, 1, tensor);
      const group = own.filter(({ args }) => args?.tensor === 'allreduce "group"');
      assert.deepEqual(group.map(({ name, ph }) => `${ph} ${name}`).sort(), [
        'X allreduce "group"',
        'b negotiate',
        'b queue',
      ]);
      assert.ok(group.every(({ args }) => args!.bytes === 1_200_004));
      const whole = group.find(({ ph }) => ph === 'X')!;
      assert.equal(whole.args!.algorithm, 'ring');
      const phases = own.filter(({ ph, ts }) => ph === 'X' && ts >= whole.ts && ts < whole.ts + whole.dur);
      for (const name of ['pack', 'reduce-scatter', 'allgather', 'unpack'])
        assert.ok(
          phases.some((phase) => phase.name === name),
          `${name} in the group`,
        );
      checkNesting(own);
      const ofPair = own.filter(({ args }) => args?.tensor === 'allreduce "of the pair"');
      assert.deepEqual(
        ofPair.map(({ name, ph }) => `${ph} ${name}`).sort(),
        rank === 2 ? [] : ['X allreduce "of the pair"', 'b negotiate', 'b queue'],
      );
      const lines = own.filter(({ ph, args }) => ph === 'M' && args?.name === 'process set 0, 1: data thread');
      assert.deepEqual(
        lines.map(({ tid }) => tid),
        ofPair.filter(({ ph }) => ph === 'X').map(({ tid }) => tid),
      );
    }
    assert.equal(existsSync(path.join(folder, 'out.rank-0.json')), false, 'the parts are gone');
    checkAligned(events);
    checkImportable(events);
  });

  it('is begun and ended while the job runs', async () => {
    const { ranks } = await tsrun({ np: 2, script: 'scripts/timeline.ts', args: [file], timeoutMs: 30_000 });
    for (const [rank, { result }] of ranks.entries()) {
      assert.deepEqual(result, { part: path.join(folder, `out.rank-${rank}.json`), twice: 'RING_INVALID_ARGUMENT' });
    }
    assert.equal(await mergeTimeline(file), 2);
    const names = new Set(read().map(({ name }) => name));
    for (const [name, there] of [
      ['allreduce "before"', false],
      ['allreduce "small"', true],
      ['allgather "rows"', true],
      ['allreduce "after"', false],
    ] as const)
      assert.equal(names.has(name), there, name);
  });

  it('takes what a killed rank has left', async () => {
    writeFileSync(path.join(folder, 'out.rank-0.json'), '[\n{"name":"a","ph":"X"},\n{"name":"b","ph');
    writeFileSync(path.join(folder, 'out.rank-1.json'), '[\n{"name":"c","ph":"X"},\n{"name":"d","ph":"M"}\n]\n');
    assert.equal(await mergeTimeline(file), 2);
    assert.deepEqual(
      read().map(({ name }) => name),
      ['a', 'c', 'd'],
    );
  });
});

/** Events of one thread are one inside the other, or one after the other; each begin of an overlapping one has its end. */
function checkNesting(events: readonly Event[]): void {
  for (const lane of new Set(events.map(({ tid }) => tid))) {
    const own = events.filter(({ ph, tid }) => ph === 'X' && tid === lane).sort((a, b) => a.ts - b.ts || b.dur - a.dur);
    const open: number[] = [];
    for (const { name, ts, dur } of own) {
      while (open.length > 0 && open.at(-1)! <= ts + 0.002) open.pop();
      if (open.length > 0) assert.ok(ts + dur <= open.at(-1)! + 0.002, `${name} ends with what it is in`);
      open.push(ts + dur);
    }
  }
  const ends = (ph: string) => events.filter((event) => event.ph === ph).map(({ name, id }) => `${name} ${id}`);
  assert.deepEqual(ends('b').sort(), ends('e').sort());
}

/**
 * What Perfetto's importer of JSON asks for; what lacks it is counted as an error there and left out. (See json_trace_tokenizer.cc and
 * json_trace_parser.cc in google/perfetto.) A thread of number 0 would become that of its process's number.
 */
function checkImportable(events: readonly Event[]): void {
  const metadata = ['process_name', 'process_sort_index', 'thread_name'];
  const open = new Map<string, number>();
  for (const event of events) {
    const text = JSON.stringify(event);
    assert.ok(['M', 'X', 'b', 'e'].includes(event.ph), text);
    assert.ok(typeof event.name === 'string' && event.name !== '' && Number.isInteger(event.pid), text);
    if (event.ph === 'M') {
      assert.ok(metadata.includes(event.name), text);
      const { name, sort_index: index } = event.args!;
      assert.equal(
        typeof (event.name === 'process_sort_index' ? index : name),
        event.name === 'process_sort_index' ? 'number' : 'string',
      );
      continue;
    }
    assert.ok(Number.isInteger(event.tid) && event.tid > 0 && Number.isFinite(event.ts) && event.ts > 0, text);
    const names = events.filter(({ ph, pid }) => ph === 'M' && pid === event.pid);
    assert.ok(
      names.some(({ name }) => name === 'process_name'),
      text,
    );
    assert.ok(
      names.some(({ name, tid }) => name === 'thread_name' && tid === event.tid),
      text,
    );
    const own = `${event.pid} ${event.cat} ${event.id} ${event.name}`;
    if (event.ph === 'X') assert.ok(Number.isFinite(event.dur) && event.dur >= 0, text);
    else if (event.ph === 'b') {
      assert.ok(Number.isInteger(event.id) && typeof event.cat === 'string' && !open.has(own), text);
      open.set(own, event.ts);
    } else {
      assert.ok(event.ts >= (open.get(own) ?? Infinity), text);
      open.delete(own);
    }
  }
  assert.deepEqual([...open.keys()], [], 'what has begun ends');
}

/** An allreduce cannot end on one rank before it has begun on another. */
function checkAligned(events: readonly Event[]): void {
  const large = events.filter(({ ph, name }) => ph === 'X' && name === 'allreduce "large"');
  const lastBegin = Math.max(...large.map(({ ts }) => ts));
  for (const { ts, dur } of large)
    assert.ok(ts + dur >= lastBegin - 1, 'clocks are alike to a microsecond on one host');
}
