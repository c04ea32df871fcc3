import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ncclLibrary } from '../lib/nccl-library.js';

describe('the NCCL that is loaded', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'tsring-nccl-')));
    const tfjsNode = path.join(folder, 'node_modules/@tensorflow/tfjs-node');
    file = path.join(tfjsNode, 'deps/nvidia/nccl/lib/libnccl.so.2');
    mkdirSync(tfjsNode, { recursive: true });
    writeFileSync(path.join(tfjsNode, 'package.json'), '{}');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is the one that is set', () => {
    assert.equal(ncclLibrary('libnccl.so.2.30', folder), 'libnccl.so.2.30');
  });

  it('is the one of the TensorFlow for GPUs, where there is one', () => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, '');
    assert.equal(ncclLibrary(undefined, folder), file);
  });

  it('is what the loader finds otherwise', () => {
    assert.equal(ncclLibrary(undefined, folder), '');
    assert.equal(ncclLibrary(undefined, path.parse(folder).root), '');
  });
});
