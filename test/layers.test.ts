import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What each layer of lib/ may import, beside itself. Files at the top of lib/ are listed by name, folders are layers. */
const tsLayers: Layers = {
  base: [],
  net: ['base'],
  native: ['base'],
  tuning: ['native', 'base'],
  session: ['timeline', 'tuning', 'native', 'net', 'base'],
  'tune-ranks': ['session', 'tuning', 'native', 'base'],
  tensors: ['session', 'native', 'base'],
  collectives: ['tensors', 'session', 'native', 'base'],
  accelerate: ['tensors', 'collectives', 'native', 'base'],
  training: ['collectives', 'tensors', 'session', 'native', 'base'],
  data: ['training', 'collectives', 'session', 'base'],
  'parameter-server': ['accelerate', 'training', 'collectives', 'session', 'net', 'base'],
  run: ['launcher', 'net', 'base'],
  index: [
    'run',
    'data',
    'parameter-server',
    'accelerate',
    'training',
    'collectives',
    'tensors',
    'session',
    'native',
    'base',
  ],
  launcher: ['flight', 'timeline', 'tuning', 'advise', 'report', 'model', 'net', 'base'],
  report: ['base'],
  model: ['base'],
  advise: ['report', 'model', 'tuning', 'base'],
  setup: ['base'],
  flight: ['base'],
  timeline: ['base'],
};
const topFiles: Readonly<Record<string, string>> = {
  errors: 'base',
  config: 'base',
  settings: 'base',
  secret: 'base',
  'equal-settings': 'base',
  'host-id': 'base',
  log: 'base',
  places: 'base',
  processors: 'base',
  'nccl-library': 'base',
  schedulers: 'base',
  statistics: 'base',
  units: 'base',
  run: 'run',
  'run-rank': 'run',
  'run-values': 'run',
  meeting: 'session',
  'meeting-file': 'session',
  session: 'session',
  'active-session': 'session',
  'native-session': 'session',
  'process-set': 'session',
  'device-buffer': 'session',
  'change-process-sets': 'session',
  rendezvous: 'session',
  'rank-timeline': 'session',
  'tune-ranks': 'tune-ranks',
  arguments: 'collectives',
  operation: 'collectives',
  join: 'collectives',
  collectives: 'collectives',
  index: 'index',
};

const nativeLayers: Layers = {
  base: [],
  kernel: ['base'],
  transport: ['base'],
  collective: ['transport', 'kernel', 'base'],
  nccl: ['collective', 'kernel', 'base'],
  engine: ['collective', 'nccl', 'transport', 'kernel', 'base'],
  tensorflow: ['engine', 'nccl', 'kernel', 'base'],
  napi: ['tensorflow', 'engine', 'nccl', 'kernel', 'base'],
};

/** Headers that only one layer of native/ knows. */
const owners: [header: RegExp, layer: string][] = [
  [/^napi\.h$/, 'napi'],
  [/^(sys\/socket|sys\/un|netinet\/.*|arpa\/.*|netdb|sys\/shm)\.h$/, 'transport'],
  [/^tensorflow\//, 'tensorflow'],
  [/^(cuda|nccl)/, 'nccl'],
];

type Layers = Readonly<Record<string, readonly string[]>>;

describe('layers', () => {
  it('of lib: imports point right, never left', () => {
    const uses = files('lib', /\.ts$/).flatMap((file) =>
      matches(file, /(?:from|import)\s*\(?'(\.[^']+)'/g).map((target) => ({
        file,
        from: tsLayer(file),
        to: tsLayer(path.relative(root, path.resolve(root, path.dirname(file), target))),
        target,
      })),
    );
    assert.ok(uses.length > 20);
    assert.deepEqual(forbidden(tsLayers, uses), []);
  });

  it('of native: includes point right, never left', () => {
    const uses = sources().flatMap((file) =>
      matches(file, /^#include "([^"]+)"/gm).map((target) => ({
        file,
        from: nativeLayer(file),
        to: target.split('/')[0]!,
        target,
      })),
    );
    assert.ok(uses.length > 20);
    assert.deepEqual(forbidden(nativeLayers, uses), []);
  });

  it('of native: a foreign interface is known to one layer', () => {
    const strangers = sources().flatMap((file) =>
      matches(file, /^#include <([^>]+)>/gm)
        .filter((header) => owners.some(([pattern, layer]) => pattern.test(header) && layer !== nativeLayer(file)))
        .map((header) => `${file} includes <${header}>`),
    );
    assert.deepEqual(strangers, []);
  });
});

interface Use {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly target: string;
}

function forbidden(layers: Layers, uses: readonly Use[]): string[] {
  return uses
    .filter(({ from, to }) => from !== to && !layers[from]?.includes(to))
    .map(({ file, from, to, target }) => `${file} (${from}) uses ${target} (${to})`);
}

function tsLayer(file: string): string {
  const [folder = '', ...rest] = file.split(path.sep).slice(1);
  if (rest.length > 0) return folder;
  return topFiles[path.parse(folder).name] ?? `unknown: list ${file} in this test`;
}

function nativeLayer(file: string): string {
  return file.split(path.sep)[1]!;
}

/** The addon's own sources; tests may look everywhere. */
function sources(): string[] {
  return files('native', /\.(cc|h|cu)$/).filter((file) => nativeLayer(file) !== 'test');
}

/** Relative to the root. */
function files(folder: string, name: RegExp): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}

function matches(file: string, pattern: RegExp): string[] {
  return [...readFileSync(path.join(root, file), 'utf8').matchAll(pattern)].map(([, group]) => group!);
}
