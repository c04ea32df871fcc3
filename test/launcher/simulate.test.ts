import assert from 'node:assert/strict';
import { RingError } from '../../lib/errors.js';
import { simulateJobs } from '../../lib/launcher/simulate.js';
import type { Simulated } from '../../lib/model/simulate.js';

const run = (line: string) => simulateJobs(line.split(' '));

describe('tsrun simulate', () => {
  it('prints a line for each number of ranks, up to 16,384', () => {
    const lines = run('--model vgg19 --ranks 8,64,16384').trimEnd().split('\n');
    assert.match(lines[0]!, /^simulated: allreduce of 548\.05 MB \(vgg19\), hosts of 8 ranks$/);
    assert.match(lines[3]!, /^ *ranks +ring +recursive-doubling +halving-doubling +two-level +best +param\. servers$/);
    assert.deepEqual(lines.slice(4).map((line) => line.trim().split(' ')[0]), ['8', '64', '16384']); // prettier-ignore
  });

  it('with the time of a step tells steps and efficiency, the same each time', () => {
    const line = '--model inception_v1 --ranks 8,512 --compute-ms 100 --stragglers 0.1 --overlap 0.5 --json';
    const [few, many] = run(line).trimEnd().split('\n').map((one) => JSON.parse(one) as Simulated); // prettier-ignore
    assert.equal(run(line), run(line));
    assert.ok(few!.step!.efficiency > many!.step!.efficiency && many!.step!.efficiency > 0.5);
    assert.ok(many!.step!.waitingSeconds > few!.step!.waitingSeconds);
    const { ring, 'two-level': twoLevel } = many!.allreduceSeconds;
    assert.ok(twoLevel < ring, 'many small parts make a long ring');
  });

  it('takes a faster network for what it is', () => {
    const seconds = (flags: string) =>
      (JSON.parse(run(`--bytes 100000000 --ranks 64 --local-ranks 1 --json ${flags}`)) as Simulated).allreduceSeconds
        .ring;
    const ratio = seconds('--bandwidth 10') / seconds('--bandwidth 100');
    assert.ok(ratio > 5 && ratio < 10, `${ratio}`);
  });

  for (const [line, message] of [
    ['--ranks 8', /of what\? give --bytes N, or --model/],
    ['--model vgg18', /vgg18/],
    ['--model vgg19 --bytes 4', /cannot be used with/],
    ['--bytes 4 --ranks 8,x', /a whole number from 1/],
    ['--bytes 4 --ranks 12', /12 ranks do not fill hosts of 8/],
    ['--bytes 4 --ranks 1024 --events', /up to 512 ranks, not 1024/],
    ['--bytes 4 --bandwidth 0', /a number over 0 is needed/],
    ['--bytes 4 --overlap 1.5', /a number from 0 to 1 is needed/],
    ['--bytes 4 train.js', /too many arguments/],
  ] as const) {
    it(`refuses ${line}`, () => {
      const isRefusal = (error: unknown) =>
        error instanceof RingError && error.code === 'RING_INVALID_ARGUMENT' && message.test(error.message);
      assert.throws(() => run(line), isRefusal);
    });
  }

  it('explains itself', () => {
    assert.match(run('--help'), /--local-ranks <n> +of each host/);
  });
});
