import assert from 'node:assert/strict';
import { otherShare, parseProcessorTimes } from '../../../bench/peers/processor-share.js';
import { type Command, runProcesses } from '../../../bench/peers/run-processes.js';
import { processesWith } from '../../helpers/processes.js';

describe('bench/peers/run-processes', () => {
  const never = new AbortController().signal;
  const node = (code: string, env: Record<string, string> = {}): Command => ({
    program: process.execPath,
    args: ['--eval', code],
    env,
  });
  const forever = 'setInterval(() => undefined, 1e6)';

  it('hands back what all processes print', async () => {
    const { output, failure } = await runProcesses([node('console.log(1)'), node('console.log(2)')], {
      timeoutMs: 30_000,
      signal: never,
    });
    assert.deepEqual(output.trim().split('\n').sort(), ['1', '2']);
    assert.equal(failure, undefined);
  });

  it('keeps lines whole that processes write piece by piece', async () => {
    const pieces = (letter: string) =>
      node(
        `let i = 0; const timer = setInterval(() => { process.stdout.write('${letter}'); if (++i === 20) clearInterval(timer); }, 10)`,
      );
    const { output } = await runProcesses([pieces('a'), pieces('b')], { timeoutMs: 30_000, signal: never });
    assert.match(output, /^(a{20}b{20}|b{20}a{20})$/);
  });

  it('ends the others when one fails, and says what it said last', async () => {
    const started = performance.now();
    const failing = node('console.error("first\\nno network"); process.exit(3)');
    const { failure } = await runProcesses([node(forever), failing], { timeoutMs: 60_000, signal: never });
    assert.equal(failure, 'ended with exit code 3: no network');
    assert.ok(performance.now() - started < 30_000);
  });

  it('ends everything after the time, what processes have started too', async () => {
    const mark = `TSRING_TEST_MARK=${process.pid}.${performance.now()}`;
    const env = { TSRING_TEST_MARK: mark.slice('TSRING_TEST_MARK='.length) };
    const parent = node(
      `require('node:child_process').spawn(process.execPath, ['--eval', ${JSON.stringify(forever)}], { detached: true }); ${forever}`,
      env,
    );
    const { failure } = await runProcesses([parent], { timeoutMs: 2_000, signal: never });
    assert.equal(failure, 'not done after 2 s');
    assert.deepEqual(processesWith(mark), []);
  });

  it('ends what has told everything and yet does not leave', async () => {
    const { output, failure } = await runProcesses([node(`console.log('all'); ${forever}`)], {
      timeoutMs: 60_000,
      signal: never,
      isComplete: (text) => text.includes('all'),
      leaveMs: 100,
    });
    assert.deepEqual([output, failure], ['all\n', 'measured everything, but did not end']);
  });

  it('says when a program is not there', async () => {
    const { failure } = await runProcesses([{ program: 'no-such-program', args: [], env: {} }], {
      timeoutMs: 10_000,
      signal: never,
    });
    assert.match(failure!, /ENOENT/);
  });

  it('stops when it is told to', async () => {
    const { failure } = await runProcesses([node(forever)], { timeoutMs: 60_000, signal: AbortSignal.timeout(500) });
    assert.equal(failure, 'interrupted');
  });

  it('tells what share of the CPU time went elsewhere', () => {
    const stat = (user: number, idle: number, steal: number) => `cpu  ${user} 0 0 ${idle} 0 0 0 ${steal} 0 0\ncpu0 1\n`;
    const self = (ticks: number) => `7 (a (b) c) S 1 7 7 0 -1 0 0 0 0 0 5 5 ${ticks} 10 20 0\n`;
    const before = parseProcessorTimes(stat(100, 100, 0), self(0));
    const after = parseProcessorTimes(stat(180, 110, 10), self(60));
    assert.deepEqual(before, { all: 200, idle: 100, own: 20 });
    assert.ok(Math.abs(otherShare(before, after) - 0.3) < 1e-9); // 100 ticks: 10 idle, 60 own
    assert.equal(otherShare(before, before), 0);
  });
});
