// Formats the C++ files, or with --check says which are not formatted.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const clangFormat = createRequire(import.meta.url)('clang-format').getNativeBinary();
const files = ['native', 'bench'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((file) => /\.(cc|h|cu)$/.test(file))
    .map((file) => join(root, folder, file)),
);
const mode = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i'];
process.exit(spawnSync(clangFormat, [...mode, ...files], { stdio: 'inherit' }).status ?? 1);
