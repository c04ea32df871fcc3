// Runs every check of the project and ends with one line, `N passed, N failed, N skipped`. A check that is one command counts as one.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const node = process.execPath;
const bin = (name, path) => join(require.resolve(`${name}/package.json`), '..', path);

/** Of one thread each, so they run side by side. */
const checks = [
  { title: 'types', args: [bin('typescript', 'bin/tsc'), '--noEmit', '--project', 'tsconfig.json'] },
  { title: 'eslint', args: [bin('eslint', 'bin/eslint.js'), '.'] },
  { title: 'prettier', args: [bin('prettier', 'bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'] },
  { title: 'clang-format', args: ['scripts/clang-format.mjs', '--check'] },
];

/** These want all cores. */
const suites = [
  { title: 'addon by cmake-js', args: ['scripts/build-addon.mjs', '--cmake'], needs: 'cmake' },
  { title: 'engine, under sanitizers', args: ['scripts/test-native.mjs'], counts: true },
  {
    title: 'everything in TypeScript',
    args: [bin('mocha', 'bin/mocha.js'), '--reporter', 'scripts/counting-reporter.cjs'],
    counts: true,
  },
];

const folder = mkdtempSync(join(tmpdir(), 'tsring-test-'));
const total = { passed: 0, failed: 0, skipped: 0, reasons: [] };
try {
  for (const counts of await Promise.all(checks.map(check))) add(total, counts);
  for (const suite of suites) {
    console.log(`\n== ${suite.title}`);
    add(total, run(suite));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const reason of total.reasons) console.log(`skipped: ${reason}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 ? 1 : 0;

async function check({ title, args }) {
  const began = performance.now();
  const child = spawn(node, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  const status = await new Promise((resolve) => child.once('error', resolve).once('close', resolve));
  console.log(`\n== ${title}\n${Buffer.concat(output)}-- ${title}: ${seconds(began)} s`);
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0, reasons: [] };
}

function run({ title, args, counts, needs }) {
  if (needs && spawnSync(needs, ['--version'], { stdio: 'ignore' }).error) {
    return { passed: 0, failed: 0, skipped: 1, reasons: [`${title}: no ${needs} in the path`] };
  }
  const file = join(folder, `${title.replaceAll(/\W/g, '-')}.json`);
  const began = performance.now();
  const { status } = spawnSync(node, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, TSRING_TEST_COUNTS: file },
  });
  console.log(`-- ${title}: ${seconds(began)} s`);
  const failed = status === 0 ? 0 : 1;
  if (!counts) return { passed: 1 - failed, failed, skipped: 0, reasons: [] };
  // A suite that died before it could count is one failure.
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0, reasons: [] };
  const counted = JSON.parse(readFileSync(file, 'utf8'));
  return { ...counted, failed: Math.max(counted.failed, failed) };
}

function seconds(began) {
  return ((performance.now() - began) / 1000).toFixed(1);
}

function add(sum, more) {
  for (const key of ['passed', 'failed', 'skipped']) sum[key] += more[key];
  sum.reasons.push(...more.reasons);
}
