// Makes native/nccl/kernels_ptx.h of native/nccl/kernels.cu: `node scripts/build-kernels.mjs`. It takes clang 19, or what CLANG names.
// PTX of version 6.0 for sm_52 is what the drivers of CUDA 11 to 13 translate, for GPUs from Maxwell on; nvcc 13's own is too new for
// older ones. With --check it changes nothing, and fails where the two do not belong together.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const source = join(root, 'native/nccl/kernels.cu');
const header = join(root, 'native/nccl/kernels_ptx.h');
const clang = process.env.CLANG ?? 'clang-19';
const flags =
  '-x cuda --cuda-device-only -nocudainc -nocudalib -std=c++17 -O3 -S --cuda-gpu-arch=sm_52 --cuda-feature=+ptx60 -ffp-contract=off';

const hash = createHash('sha256').update(readFileSync(source)).digest('hex');
const ptx = compile();
if (process.argv.includes('--check')) check();
else write();

function compile() {
  const args = [...flags.split(' '), source, '-o', '-'];
  const { status, stdout, stderr, error } = spawnSync(clang, args, { encoding: 'utf8' });
  if (error !== undefined) return undefined;
  if (status !== 0) throw new Error(stderr);
  return stdout.replace(/[ \t]+$/gm, '');
}

function write() {
  if (ptx === undefined) throw new Error(`${clang} is not there; name another clang in CLANG`);
  writeFileSync(header, text(ptx));
}

function check() {
  const there = readFileSync(header, 'utf8');
  const good = ptx === undefined ? there.includes(hash) : there === text(ptx);
  console.log(ptx === undefined ? `${clang} is not there: hashes were compared` : 'compiled again');
  if (!good) throw new Error('kernels_ptx.h is not of this kernels.cu; run node scripts/build-kernels.mjs');
}

function text(ptx) {
  return `#pragma once

// clang-format off
// Made by scripts/build-kernels.mjs: clang-19 ${flags}
// of kernels.cu, whose SHA-256 is ${hash}

namespace tsring {

inline constexpr char kKernelsPtx[] = R"ptx(${ptx})ptx";

}  // namespace tsring
`;
}
