import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runCommand } from './command.js';
import { reasonIn, SetupFailure } from './failure.js';
import { exists } from './cache.js';
import { nodeHeaders } from './node-headers.js';
import { bindingPath, type TfjsNode } from './tfjs-node.js';

const napiVersion = 8;
const compileTimeoutMs = 15 * 60_000;

/**
 * Compiles tfjs-node's binding against TensorFlow's libraries and puts it in its place, or takes it from beside the
 * libraries where that was done before. Its sources need no change for TensorFlow 2.12 to 2.21.
 *
 * @throws {SetupFailure} no compiler, no Node headers, or it does not compile
 */
export async function installBinding(
  tfjsNode: TfjsNode,
  libraries: string,
  say: (line: string) => void,
): Promise<void> {
  const cached = join(libraries, `tfjs_binding-${tfjsNode.version}-napi${napiVersion}.node`);
  if (!(await exists(cached))) {
    say(`compiling the binding of tfjs-node ${tfjsNode.version}`);
    const fresh = `${cached}.${process.pid}`;
    await compile(tfjsNode, libraries, fresh);
    await rename(fresh, cached);
  }
  const path = bindingPath(tfjsNode);
  await mkdir(dirname(path), { recursive: true });
  const fresh = `${path}.${process.pid}`;
  await copyFile(cached, fresh);
  await rename(fresh, path);
}

async function compile({ folder, version }: TfjsNode, libraries: string, output: string): Promise<void> {
  const [compiler, ...compilerFlags] = await findCompiler();
  const tensorflow = join(libraries, 'tensorflow');
  const flags = ['-O2', '-std=c++17', '-shared', '-fPIC', `-DNAPI_VERSION=${napiVersion}`];
  const includes = [await nodeHeaders(), folder, join(tensorflow, 'include')].map((path) => `-I${path}`);
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(folder, 'binding', name));
  const link = [`-L${tensorflow}`, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'];
  const runPath = '-Wl,-rpath,$ORIGIN/../../deps/lib';
  const args = [...compilerFlags, ...flags, ...includes, ...sources, ...link, runPath, '-o', output];
  const result = await runCommand(compiler, args, { timeoutMs: compileTimeoutMs });
  if (result.status !== 0) {
    const log = join(libraries, 'compile.log');
    await writeFile(log, [compiler, ...args].join(' ') + '\n' + result.stderr);
    throw new SetupFailure(`tfjs-node ${version} does not compile: ${reasonIn(result.stderr)} (all of it: ${log})`);
  }
}

/** CXX may hold flags too, as make's users know it. */
async function findCompiler(): Promise<[string, ...string[]]> {
  const candidates = process.env['CXX'] ? [process.env['CXX']] : ['c++', 'g++', 'clang++'];
  for (const candidate of candidates) {
    const [program = '', ...flags] = candidate.trim().split(/\s+/);
    if ((await runCommand(program, ['--version'], { timeoutMs: 60_000 })).status === 0) return [program, ...flags];
  }
  throw new SetupFailure(`a C++ compiler is needed (${candidates.join(', ')} not found); CXX may name one`);
}
