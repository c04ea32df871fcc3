// Builds the addon: by node-gyp, as an install from source does, or with --cmake by cmake-js, as developers and their IDEs do.
// Both read native/sources.txt. Node's own headers are used where they lie beside it, so that nothing is fetched.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const require = createRequire(import.meta.url);
const root = resolve(import.meta.dirname, '..');
const jobs = String(availableParallelism());

const nodeRoot = resolve(dirname(process.execPath), '..');
const headersBesideNode = existsSync(join(nodeRoot, 'include/node/node_api.h'));

const [script, args] = process.argv.includes('--cmake')
  ? [require.resolve('cmake-js/bin/cmake-js'), ['build', '--out', 'build/cmake', '--parallel', jobs]]
  : [
      require.resolve('node-gyp/bin/node-gyp.js'),
      // Not `rebuild`: make then compiles only what has changed.
      ['configure', 'build', '-j', jobs, ...(headersBesideNode ? ['--nodedir', nodeRoot] : [])],
    ];

const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
  cwd: root,
  encoding: 'utf8',
  // cmake-js knows no such option, but takes npm's setting for one.
  env: headersBesideNode ? { ...process.env, npm_config_nodedir: nodeRoot } : process.env,
  maxBuffer: 1 << 28,
});
if (status !== 0) {
  process.stderr.write(stdout + stderr);
  process.stderr.write(`The addon did not build. It needs a C++20 compiler (g++ 12 or clang 15) and make.\n`);
  process.exit(status ?? 1);
}
for (const line of stderr.split('\n')) if (line.includes('warning:')) process.stderr.write(`${line}\n`);
