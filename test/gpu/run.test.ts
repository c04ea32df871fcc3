import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type Fakes, fakesOrSkip } from './fakes.js';

const script = fileURLToPath(new URL('run.sh', import.meta.url));

// The script is for machines with a GPU. Here it is seen to be whole, and not to take a failure for a success.
describe('test/gpu/run.sh, on fakes', function () {
  this.timeout(120_000);
  let fakes: Fakes;
  before(function () {
    fakes = fakesOrSkip(this);
  });

  it('tells what passed and what was skipped and why, and ends with the counts', async () => {
    const { code, output } = await run({ FAKES: fakes.folder });
    assert.equal(code, 0, output);
    assert.doesNotMatch(output, /^FAIL/m);
    assert.match(output, /^PASS what tsrun finds$/m);
    assert.match(output, /^PASS operations on three ranks/m);
    assert.match(output, /^.*:64 bytes: [\d.]+ us, bus bandwidth [\d.]+ GB\/s$/m);
    assert.match(output, /^PASS bus bandwidth of 2 ranks$/m);
    assert.match(output, /^.*streams 2, 1024 bytes in main memory: [\d.]+ us, bus bandwidth [\d.]+ GB\/s$/m);
    assert.match(output, /^PASS bus bandwidth of a step's buckets, 2 ranks, numNcclStreams 2$/m);
    assert.match(output, /^SKIP tensors of TensorFlow, where it has them on a GPU: .*fakes/m);
    assert.match(output, /^SKIP bus bandwidth of 2 ranks of PyTorch's NCCL: .*fakes$/m);
    const [, passed, skipped] = /^(\d) passed, 0 failed, (\d) skipped$/m.exec(output) ?? [];
    assert.equal(Number(passed) + Number(skipped), 9, output);
  });

  it('fails, and ends early, where there is no GPU', async () => {
    const { code, output } = await run({ FAKES: fakes.folder, FAKE_CUDA_INIT: '100' });
    assert.equal(code, 1, output);
    assert.match(output, /no GPU/);
    assert.match(output, /^FAIL what tsrun finds: status 1$/m);
    assert.match(output, /^\d passed, 1 failed, \d skipped$/m);
  });
});

async function run(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const child = spawn('bash', [script, '2'], {
    env: { ...process.env, LARGEST: '1024', STREAMS: '2', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const output = await text(child.stdout);
  return { code: (await exited)[0], output };
}
