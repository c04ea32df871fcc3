// Looks at what `npm pack` would take: whether all is there that an installed package needs, and built of the sources as they are.
// Ends with 1, and says what is wrong and the way out, where it is not.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const packed = new Set(packedFiles());
const native = readFileSync(join(root, 'native/sources.txt'), 'utf8').split('\n');

const problems = [
  ...missing(Object.values(manifest.bin)),
  ...missing(Object.values(manifest.exports['.']).map((file) => file.replace(/^\.\//, ''))),
  ...missing(filesIn('lib', '.py')),
  ...missing(native.filter((line) => line !== '' && !line.startsWith('#'))),
  ...missing(filesIn('native', '.h').filter((file) => !file.startsWith('native/test/'))),
  ...filesIn('lib', '.ts').flatMap((source) => {
    const compiled = `dist/${source.replace(/ts$/, 'js')}`;
    return [...missing([compiled]), ...outdated(compiled, source)];
  }),
  ...[...packed].filter((file) => /^(bin\/|dist\/.*\.js$)/.test(file)).flatMap(unresolved),
];
if (problems.length > 0) {
  const shown = problems.slice(0, 5).concat(problems.length > 5 ? [`and ${problems.length - 5} more`] : []);
  console.error(
    `This is not what to publish: ${shown.join('; ')}. Run \`npm run build:ts\`; \`npm run package\` does it too.`,
  );
  process.exitCode = 1;
}

function packedFiles() {
  const { status, stdout, stderr } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`npm pack failed: ${stderr}`);
  const told = JSON.parse(stdout);
  const [{ files }] = Array.isArray(told) ? told : Object.values(told);
  return files.map(({ path }) => path);
}

function filesIn(folder, extension) {
  const names = readdirSync(join(root, folder), { recursive: true });
  return names.filter((name) => name.endsWith(extension)).map((name) => join(folder, name));
}

function missing(files) {
  return files.filter((file) => !packed.has(file)).map((file) => `${file} is missing`);
}

function outdated(compiled, source) {
  const built = statSync(join(root, compiled), { throwIfNoEntry: false });
  return built && built.mtimeMs < statSync(join(root, source)).mtimeMs ? [`${compiled} is older than ${source}`] : [];
}

/** Imports that an installed package could not follow. */
function unresolved(file) {
  const text = readFileSync(join(root, file), 'utf8');
  const imported = [...text.matchAll(/\b(?:from|import\(|require\(|import) ?'([@\w./:-]+)'/g)].map(([, name]) => name);
  return imported.flatMap((name) => {
    if (name.startsWith('.')) return missing([join(dirname(file), name)]).map((what) => `${what}, of ${file}`);
    const of = name
      .split('/')
      .slice(0, name.startsWith('@') ? 2 : 1)
      .join('/');
    const known =
      isBuiltin(name) || of === manifest.name || of in manifest.dependencies || of in manifest.peerDependencies;
    return known ? [] : [`${file} imports ${name}, which is no dependency`];
  });
}
