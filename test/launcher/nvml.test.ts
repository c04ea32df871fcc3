import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { askNvml, type NvmlGpu } from '../../lib/launcher/nvml.js';

/** A stand-in library with NVML's functions; no test has had a GPU. */
describe('NVML', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tsring-nvml-'));
  const library = path.join(folder, 'libnvidia-ml.so.1');
  before(function () {
    if (spawnSync('cc', ['--version']).error) {
      console.log('      skipped: no C compiler (cc)');
      this.skip();
    }
    const source = path.join(import.meta.dirname, 'fake-nvml/nvml.c');
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, source]);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('tells of GPUs, their memory, places, instances and links', () => {
    assert.deepEqual(askNvml(library), {
      driver: '570.86.15',
      gpus: [
        gpu({ index: 0, uuid: 'GPU-aaaa', pciBus: '0000:17:00.0', instances: [], nvlinkTo: [1], peers: [1] }),
        gpu({
          index: 1,
          uuid: 'GPU-bbbb',
          pciBus: '0000:ca:00.0',
          instances: ['MIG-1', 'MIG-2'],
          nvlinkTo: [0],
          peers: [0],
        }),
      ],
    });
  });

  it('says why there are none', () => {
    assert.match(
      missing(path.join(folder, 'none.so')),
      /none\.so cannot be loaded .*; it comes with the NVIDIA driver$/,
    );
    process.env['NVML_FAILS'] = '9';
    try {
      assert.equal(missing(library), 'no GPU, or the NVIDIA driver is not loaded (NVML: Driver Not Loaded)');
      process.env['NVML_FAILS'] = '18';
      assert.match(missing(library), /^the driver was updated and wants a restart/);
    } finally {
      delete process.env['NVML_FAILS'];
    }
  });

  it('tells of peers that are reached over PCIe', () => {
    process.env['NVML_PCIE'] = '1';
    try {
      const answer = askNvml(library);
      assert.ok('gpus' in answer);
      assert.deepEqual(
        answer.gpus.map(({ nvlinkTo, peers }) => ({ nvlinkTo, peers })),
        [
          { nvlinkTo: [], peers: [1] },
          { nvlinkTo: [], peers: [0] },
        ],
      );
    } finally {
      delete process.env['NVML_PCIE'];
    }
  });

  function gpu(own: Pick<NvmlGpu, 'index' | 'uuid' | 'pciBus' | 'instances' | 'nvlinkTo' | 'peers'>) {
    return { name: `Fake ${own.index}`, memoryBytes: (own.index + 1) * 2 ** 36, ...own };
  }

  function missing(file: string): string {
    const answer = askNvml(file);
    return 'missing' in answer ? answer.missing : '';
  }
});
