// Builds the engine's tests under the address and undefined-behaviour sanitizers and under the thread sanitizer, and runs both.
// Where CMake, GoogleTest or OpenSSL's library cannot be had, it says so and counts the suite as skipped. Writes
// {passed, failed, skipped, reasons} to the file named by TSRING_TEST_COUNTS.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const sanitizers = ['address', 'thread'];
// Kernels know no threads, and what threads do depends neither on types nor on every number of ranks; the other sanitizer's run has all of it.
const withoutNewThreads = [
  ...['*Kernel.*', '*EveryTypeAndOperation*', '*TheSameBits*'],
  ...['*On6', '*On7', '*On8', 'Ranks/RingOf.*/5', 'Ranks/RingOf.*/6', 'Ranks/RingOf.*/7', '*/abccba', '*/aaabbb'],
];
const buildTimeoutMs = 600_000;
const runTimeoutMs = 600_000;
// Tests wait for one another's threads much of the time, so several processes share them.
const shardCount = Math.min(4, availableParallelism());
// CMake asks the node in use, not the first in the path, where its headers are.
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };

/** The suites cannot be built here, through no fault of the code. */
class Missing extends Error {}

const counts = { passed: 0, failed: 0, skipped: 0, reasons: [] };
try {
  if (!works('cmake', ['--version'])) throw new Missing('no CMake');
  for (const sanitizer of sanitizers) add(counts, await test(sanitizer));
} catch (error) {
  if (!(error instanceof Missing)) throw error;
  const reason = `native tests: ${error.message}`;
  console.log(`skipped: ${reason}`);
  counts.skipped += 1;
  counts.reasons.push(reason);
}
if (process.env.TSRING_TEST_COUNTS) writeFileSync(process.env.TSRING_TEST_COUNTS, JSON.stringify(counts));
process.exitCode = counts.failed > 0 ? 1 : 0;

function test(sanitizer) {
  const folder = join(root, 'build', `native-${sanitizer}`);
  configure(sanitizer, folder);
  const built = run('cmake', ['--build', folder, '--parallel', String(availableParallelism())]);
  if (built.status !== 0) {
    console.log(built.output);
    return { passed: 0, failed: 1, skipped: 0, reasons: [] };
  }
  return runTests(sanitizer, folder);
}

function configure(sanitizer, folder) {
  const generator = works('ninja', ['--version']) ? ['-G', 'Ninja'] : [];
  const options = ['-DTSRING_TESTS=ON', `-DTSRING_SANITIZE=${sanitizer}`];
  const { status, output } = run('cmake', ['-S', root, '-B', folder, ...generator, ...options]);
  if (status === 0) return;
  const missing = /could not find (GTest|TSRING_LIBCRYPTO)/i.exec(output);
  if (missing) throw new Missing(missing[1] === 'GTest' ? 'no GoogleTest' : 'no libcrypto');
  console.log(output);
  throw new Error('the native tests could not be configured');
}

async function runTests(sanitizer, folder) {
  const counts = { passed: 0, failed: 0, skipped: 0, reasons: [] };
  const shards = Array.from({ length: shardCount }, (_, shard) => runShard(sanitizer, folder, shard));
  for (const shard of await Promise.all(shards)) add(counts, shard);
  const { passed, failed, skipped } = counts;
  console.log(`${sanitizer} sanitizer: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  return { ...counts, reasons: [...new Set(counts.reasons)] };
}

async function runShard(sanitizer, folder, shard) {
  const file = join(folder, `results-${shard}.json`);
  rmSync(file, { force: true });
  const command = [
    ...fixedAddresses(sanitizer),
    join(folder, 'tsring_tests'),
    '--gtest_brief=1',
    `--gtest_output=json:${file}`,
    ...(sanitizer === 'thread' ? [`--gtest_filter=-${withoutNewThreads.join(':')}`] : []),
  ];
  const { status, output } = await runBeside(command, {
    GTEST_TOTAL_SHARDS: String(shardCount),
    GTEST_SHARD_INDEX: String(shard),
  });
  // Without results it crashed or was stopped; a sanitizer's report at the end fails it although every test has passed.
  const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { tests: 0, failures: 0, testsuites: [] };
  const failed = Math.max(results.failures, status === 0 ? 0 : 1);
  const skipped = results.testsuites
    .flatMap(({ testsuite }) => testsuite)
    .filter(({ result }) => result === 'SKIPPED').length;
  if (failed > 0) console.log(output);
  return {
    passed: results.tests - results.failures - skipped,
    failed,
    skipped,
    // GoogleTest prints why, but does not write it down.
    reasons: Array.from(output.matchAll(/: Skipped\n(.+)/g), ([, why]) => `native tests: ${why}`),
  };
}

/** The thread sanitizer of older compilers cannot stand a kernel that spreads addresses widely. */
function fixedAddresses(sanitizer) {
  const command = ['setarch', '-R'];
  return sanitizer === 'thread' && works(command[0], [...command.slice(1), 'true']) ? command : [];
}

function run(command, args) {
  const done = spawnSync(command, args, {
    cwd: root,
    env,
    encoding: 'utf8',
    timeout: buildTimeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: 1 << 28,
  });
  return {
    status: done.status,
    output: `${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.code === 'ETIMEDOUT' ? late(command, buildTimeoutMs) : ''}`,
  };
}

async function runBeside([command, ...args], more) {
  const output = [];
  const child = spawn(command, args, {
    cwd: root,
    env: { ...env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: runTimeoutMs,
    killSignal: 'SIGKILL',
  });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  const began = performance.now();
  const status = await new Promise((done) => child.once('error', () => done(null)).once('close', done));
  if (performance.now() - began >= runTimeoutMs) output.push(Buffer.from(late(command, runTimeoutMs)));
  return { status, output: Buffer.concat(output).toString() };
}

function late(command, timeoutMs) {
  return `\n${command} took longer than ${timeoutMs / 1000} s\n`;
}

function works(command, args) {
  return spawnSync(command, args, { env, stdio: 'ignore' }).status === 0;
}

function add(sum, more) {
  sum.passed += more.passed;
  sum.failed += more.failed;
  sum.skipped += more.skipped;
  sum.reasons.push(...more.reasons);
}
