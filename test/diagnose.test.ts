import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { analyze } from '../lib/launcher/analyze.js';
import { readDumps } from '../lib/flight/dump-file.js';
import { startRanks } from './helpers/start-ranks.js';
import { tsrun, type TsrunResult } from './helpers/tsrun.js';
import type { Caught } from './scripts/report.js';

describe('an engine that explains itself', () => {
  let folder = '';
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'tsring-diagnose-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  async function run(what: string, flags: readonly string[], np = 3): Promise<TsrunResult> {
    const script = 'scripts/diagnose.ts';
    const result = await tsrun({ np, script, args: [what, folder], flags, timeoutMs: 40_000, expectFailure: true });
    assert.equal(result.code, 0, result.stderr);
    return result;
  }

  for (const [what, transport] of [
    ['late, blocking', 'auto'],
    ['late, blocking', 'tcp'],
    ['late, promise', 'tcp'],
  ] as const) {
    it(`a stall (${what}, ${transport}): one line that names the tensor, who is missing and who is not`, async () => {
      const { ranks, stderr } = await run(what, ['--stall-check-time-seconds', '0.3', '--transport', transport]);
      const lines = stderr.split('\n').filter((line) => line.includes('stalled'));
      assert.equal(lines.length, 1, stderr);
      assert.match(lines[0]!, /^\[0\].*stalled for 0\.300 s: allreduce "late": rank 1 on \S+ has not asked for it/);
      assert.match(lines[0]!, /, rank 0 on \S+, rank 2 on \S+ have$/);
      assert.deepEqual(
        ranks.map(({ result }) => result),
        [3, 3, 3],
        'it was only late',
      );
    });
  }

  for (const [what, transport] of [
    ['never, blocking', 'tcp'],
    ['never, promise', 'auto'],
  ] as const) {
    it(`a stall that lasts (${what}, ${transport}): an error on all ranks that says what each is at`, async () => {
      const flags = ['--stall-shutdown-time-seconds', '0.4', '--transport', transport, '--flight-recorder-dir', folder];
      const { ranks } = await run(what, flags);
      for (const rank of [0, 2]) {
        const { code, message } = ranks[rank]!.result as Caught;
        assert.equal(code, 'RING_TIMEOUT', message);
        assert.match(message, /"never".*stalled for 0\.400 s|stalled for 0\.400 s.*"never"/);
        assert.match(message, /rank 0 on \S+, rank 2 on \S+: waits for allreduce "never"/);
        assert.match(message, /rank 1 on \S+: waits for nothing, its last was barrier "all are here"/);
      }
      const found = analyze([folder]);
      assert.match(found, /up to operation 1, barrier "all are here"/);
      assert.match(found, /"never" of float32 \[3\], average was asked for by ranks 0, 2, and never by rank 1/);
      assert.match(found, /rank 1 waits for nothing; its last was barrier "all are here"/);
    });
  }

  it('ranks that do things in another order: found in their dumps', async () => {
    await run('another order', ['--timeout-ms', '500', '--flight-recorder-dir', folder]);
    const found = analyze([folder]);
    assert.match(found, /first divergence: allreduce "(a|b)" .* was asked for by rank/);
    assert.match(found, /waits for allreduce/);
  });

  it('ranks that give another shape: found in their dumps, by the command', async () => {
    await run('another shape', ['--flight-recorder-dir', folder]);
    const { stdout } = await tsrunAnalyze(folder);
    assert.match(stdout, /up to operation 1, allreduce "same" of float32 \[3\], average/);
    assert.match(stdout, /in shape: operation 2 of all ranks\n {2}ranks 0, 2: .*\[3\].*\n {2}rank 1: .*\[1\]/);
  });

  it('a rank that has joined is not taken for one that is missing', async () => {
    const { ranks } = await run('with a joined rank', ['--timeout-ms', '700', '--flight-recorder-dir', folder]);
    const { code, message } = ranks[2]!.result as Caught;
    assert.equal(code, 'RING_TIMEOUT', message);
    assert.match(message, /allreduce "never": rank 1 on \S+ did not call it within 700 ms, rank 2 on \S+ did/);
    const found = analyze([folder]);
    assert.match(found, /up to operation 5, allreduce "without rank 0" of float32 \[3\], sum/);
    assert.match(found, /"never" of float32 \[3\], average was asked for by rank 2, and never by rank 1\n/);
    assert.match(found, /rank 0 has joined/);
  });

  it('SIGUSR2: every rank writes what it keeps, also one that is blocked', async () => {
    const { ranks } = await run('dump on a signal', ['--flight-recorder-dir', folder]);
    assert.deepEqual(
      ranks.map(({ result }) => result),
      [3, 3, 3],
    );
    const [dumps = []] = readDumps([folder]);
    assert.deepEqual(
      dumps.map(({ rank, ranks, reason }) => [rank, ranks, reason]),
      [0, 1, 2].map((rank) => [rank, [0, 1, 2], 'signal']),
    );
    for (const { rank, operations } of dumps) {
      assert.equal(operations[0]!.name, 'pids');
      assert.equal(operations[0]!.state, 'done');
      assert.equal(operations.at(-1)!.name, rank === 1 ? 'pids' : 'awaited');
    }
    assert.equal(dumps[0]!.operations.at(-1)!.state, 'submitted');
  });

  it('monitoredBarrier names all that are missing, and the ring goes on', async () => {
    const { ranks } = await run('monitored barrier', [], 4);
    for (const rank of [0, 3]) {
      const { code, message } = ranks[rank]!.result as Caught;
      assert.equal(code, 'RING_TIMEOUT', message);
      assert.match(message, /barrier "met\?": rank 1 on \S+, rank 2 on \S+ did not call it within 300 ms, rank 0/);
    }
    for (const { result } of ranks) assert.equal((result as { after: number }).after, 4);
  });

  it('checkFinite names the rank, the variable and the element, and the ring goes on', async () => {
    const { ranks } = await run('not finite', ['--check-finite']);
    for (const { result } of ranks) {
      const { blocking, promise, step, largest, after } = result as Record<'blocking' | 'promise' | 'step', Caught> & {
        largest: boolean;
        after: number;
      };
      for (const { code, message } of [blocking, promise]) {
        assert.equal(code, 'RING_NOT_FINITE', message);
        assert.match(message, /^rank 1 on \S+: allreduce "gradient" has a NaN or an infinity at element 1 of 3/);
      }
      assert.equal(step.code, 'RING_NOT_FINITE', step.message);
      assert.match(step.message, /^rank 2 on \S+: "dense\/bias" \(allreduce "DistributedOptimizer.0"\)/);
      assert.deepEqual([largest, after], [true, 3]);
    }
  });

  it('checksums: rank 0 asks for them for all, and all is as without', async () => {
    const ends = await startRanks({
      np: 3,
      script: 'scripts/diagnose.ts',
      args: ['late, promise'],
      env: (rank): Record<string, string> => ({ TSRING_TRANSPORT: 'tcp', ...(rank === 0 && { TSRING_CHECKSUM: '1' }) }),
      timeoutMs: 30_000,
    });
    assert.deepEqual(
      ends.map(({ result }) => result),
      [3, 3, 3],
    );
  });

  it('leaves no dump where nothing failed', async () => {
    await run('late, promise', ['--flight-recorder-dir', folder]);
    assert.equal(existsSync(path.join(folder, 'flight-0.json')), false);
  });

  async function tsrunAnalyze(dumps: string) {
    const { execFile } = await import('node:child_process');
    const { promisify } = await import('node:util');
    return promisify(execFile)(process.execPath, [
      path.join(import.meta.dirname, '..', 'bin', 'tsrun'),
      'analyze',
      dumps,
    ]);
  }
});
