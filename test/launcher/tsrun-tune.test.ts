import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { hostClass, type Measurement, readCosts, writeMeasurement } from '../../lib/tuning/file.js';
import { tsrun } from '../helpers/tsrun.js';

interface Reported {
  readonly algorithms: readonly string[];
  readonly sum: number;
}

describe('algorithms', function () {
  this.timeout(60_000);
  const timeoutMs = 30_000;
  const script = 'scripts/algorithm.ts';
  let folder: string;

  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'tsring-tune-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Costs by which one algorithm over links is always best. */
  function preferring(best: 'ring' | 'halving-doubling'): string {
    const dear = { stepNanoseconds: 1e6, bytePicoseconds: 1e6 };
    const cheap = { stepNanoseconds: 1, bytePicoseconds: 1 };
    const others = { ring: dear, 'recursive-doubling': dear, 'halving-doubling': dear, everyone: dear, parts: dear };
    const file = path.join(folder, `${best}.json`);
    const costs = { ...others, [best]: cheap, combinePicoseconds: 1 };
    writeMeasurement({ ranks: 2, time: '2026-01-01T00:00:00.000Z', costs }, file);
    return file;
  }
  const env = { TSRING_TRANSPORT: 'tcp', TSRING_LOG_LEVEL: 'debug' };

  it('tsrun --tune measures them, says what it found, and the next job goes by it', async () => {
    const file = path.join(folder, 'tuning.json');
    const { stdout } = await tsrun({ np: 2, flags: ['--tune', '--tune-file', file], script: undefined, timeoutMs });
    assert.match(stdout, /over TCP, median microseconds/);
    assert.match(stdout, /will be chosen/);
    assert.ok(stdout.includes(`costs written to ${file}`));
    const { hosts } = JSON.parse(readFileSync(file, 'utf8')) as { hosts: Record<string, Measurement> };
    assert.equal(hosts[hostClass()]?.ranks, 2);
    assert.ok((readCosts(file)?.costs.ring.bytePicoseconds ?? 0) > 0);

    const { stderr } = await tsrun({ np: 2, script, env: { ...env, TSRING_TUNING_FILE: file }, timeoutMs });
    assert.ok(stderr.includes(`(measured, ${file})`), stderr);
  });

  it('are chosen by rank 0’s costs on all ranks, whatever files the others have', async () => {
    const broken = path.join(folder, 'broken.json');
    writeFileSync(broken, 'nothing of use');
    const args = [preferring('halving-doubling'), preferring('ring'), broken];
    const { ranks } = await tsrun({ np: 3, script, args, env, timeoutMs });
    for (const { result } of ranks) {
      assert.deepEqual(result, { algorithms: Array(3).fill('halving-doubling'), sum: 6 });
    }
  });

  it('fail the start with the file’s name when rank 0’s is malformed', async () => {
    const broken = path.join(folder, 'broken.json');
    writeFileSync(broken, 'nothing of use');
    const { stderr } = await tsrun({ np: 2, script, args: [broken, broken], env, timeoutMs, expectFailure: true });
    assert.match(stderr, /broken\.json is malformed/);
  });

  it('change with the size, and a line says how', async () => {
    const { ranks, stderr } = await tsrun({ np: 3, script, args: ['none', 'none', 'none'], env, timeoutMs });
    const sharing = availableParallelism() < 3;
    const middle = sharing ? 'recursive-doubling' : 'ring';
    const large = sharing ? 'halving-doubling' : 'ring';
    for (const { result } of ranks) {
      assert.deepEqual((result as Reported).algorithms, ['recursive-doubling', middle, large]);
      assert.equal((result as Reported).sum, 6);
    }
    const costs = sharing ? 'built-in costs of ranks that share cores' : 'built-in costs';
    const line = `allreduce of 3 ranks over TCP: recursive-doubling, from .* ${large} \\(by ${costs}\\)`;
    assert.match(stderr, new RegExp(line));
  });

  for (const [transport, algorithm] of [
    ['tcp', 'ring'],
    ['tcp', 'recursive-doubling'],
    ['tcp', 'halving-doubling'],
    ['auto', 'everyone'],
    ['auto', 'parts'],
  ] as const) {
    it(`${algorithm} can be asked for`, async () => {
      const chosen = { TSRING_TRANSPORT: transport, TSRING_ALGORITHM: algorithm };
      const { ranks } = await tsrun({ np: 3, script, env: chosen, timeoutMs });
      for (const { result } of ranks) assert.deepEqual(result, { algorithms: Array(3).fill(algorithm), sum: 6 });
    });
  }

  it('over links are refused to ranks that share memory', async () => {
    const chosen = { TSRING_ALGORITHM: 'ring' };
    const { stderr } = await tsrun({ np: 2, script, env: chosen, timeoutMs, expectFailure: true });
    assert.match(stderr, /RING_UNSUPPORTED|algorithm ring goes over links.*transport tcp/);
  });
});
