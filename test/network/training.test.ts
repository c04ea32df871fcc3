import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Sample } from '../../bench/training/sample.js';
import { TestFolder } from '../data/files.js';
import { skipWithoutTensorflow } from '../helpers/backends.js';
import { skipWithoutNetworks } from '../helpers/netns.js';

const program = fileURLToPath(new URL('../../dist/bench/training/main.js', import.meta.url));

describe('bench:training across hosts', function () {
  this.timeout(180_000);
  before(function () {
    skipWithoutNetworks(this);
    skipWithoutTensorflow(this);
  });

  it('trains on the ring and on a parameter server, a rank on each host', async () => {
    using folder = new TestFolder();
    const small = ['--np', '2', '--workloads', 'inception_v1:1:32:1', '--rounds', '1', '--warmup', '1'];
    const flags = ['--networks', 'unshaped', '--systems', 'tsring,tsring-ps-sync', '--out', folder.path];
    await promisify(execFile)(process.execPath, [program, ...small, ...flags], { timeout: 150_000 });
    const text = readFileSync(folder.file('training.json'), 'utf8');
    const { samples, notes } = JSON.parse(text) as { samples: Sample[]; notes: string[] };
    assert.deepEqual(notes, []);
    const told = samples.map(({ system, network, peakBytesOfRanks }) => [system, network, peakBytesOfRanks.length]);
    assert.deepEqual(told, [['tsring', 'unshaped', 2], ['tsring-ps-sync', 'unshaped', 2]]); // prettier-ignore
    assert.match(readFileSync(folder.file('training.txt'), 'utf8'), /^unshaped +inception_v1 +2 +tsring /m);
  });
});
