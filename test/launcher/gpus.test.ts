import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gpuOf, parseSmiList, visibleGpus } from '../../lib/launcher/gpus.js';

describe('GPUs', () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(path.join(tmpdir(), 'tsring-root-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  const plug = (bus: string, uuid = 'GPU-0', node = -1) => {
    const folder = path.join(root, 'proc/driver/nvidia/gpus', bus);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'information'), `Model: \t\t test\nGPU UUID: \t ${uuid}\n`);
    const device = path.join(root, 'sys/bus/pci/devices', bus);
    mkdirSync(device, { recursive: true });
    writeFileSync(path.join(device, 'numa_node'), `${node}\n`);
  };
  const ids = (environment: NodeJS.ProcessEnv) => visibleGpus(environment, root).map(({ id }) => id);

  it('are none where the driver is not loaded', () => {
    assert.deepEqual(ids({}), []);
    assert.equal(gpuOf(0, []), undefined);
  });

  it('are counted without loading the driver', () => {
    for (const bus of ['0000:17:00.0', '0000:65:00.0', '0000:ca:00.0']) plug(bus);
    mkdirSync(path.join(root, 'proc/driver/nvidia/gpus/0000:ff:00.0')); // another container's: its files are hidden
    assert.deepEqual(ids({}), ['0', '1', '2']);
  });

  it('are the user’s own list if there is one, read as CUDA reads it', () => {
    plug('0000:17:00.0');
    const lists: [string, string[]][] = [
      ['4,5', ['4', '5']],
      [' 2 , GPU-8932f937 ,MIG-7b1', ['2', 'GPU-8932f937', 'MIG-7b1']],
      ['1,-1,2', ['1']],
      ['-1', []],
      ['', []],
      ['NoDevFiles', []],
    ];
    for (const [list, gpus] of lists) assert.deepEqual(ids({ CUDA_VISIBLE_DEVICES: list }), gpus, list);
  });

  it('know the NUMA node of their card, however they are named', () => {
    plug('0000:17:00.0', 'GPU-aaaa-1', 0);
    plug('0000:ca:00.0', 'GPU-bbbb-2', 1);
    assert.deepEqual(visibleGpus({}, root), [
      { id: '0', node: 0 },
      { id: '1', node: 1 },
    ]);
    const chosen = visibleGpus({ CUDA_VISIBLE_DEVICES: '1,GPU-bbbb,MIG-GPU-aaaa-1/1/0,MIG-7b1,7' }, root);
    assert.deepEqual(
      chosen.map(({ node }) => node),
      [1, 1, 0, undefined, undefined],
    );
  });

  it('are MIG instances where cards are cut up', () => {
    const text = [
      'GPU 0: NVIDIA A100 (UUID: GPU-a)',
      '  MIG 3g.20gb Device 0: (UUID: MIG-1)',
      '  MIG 3g.20gb Device 1: (UUID: MIG-2)',
      'GPU 1: NVIDIA A100 (UUID: GPU-b)',
      '',
    ].join('\n');
    assert.deepEqual(parseSmiList(text), ['MIG-1', 'MIG-2', 'GPU-b']);
  });

  it('are dealt out by local rank, and shared in turn', () => {
    const two = [
      { id: '6', node: 0 },
      { id: '7', node: 1 },
    ];
    assert.deepEqual(
      [0, 1, 2, 3].map((rank) => gpuOf(rank, two)?.id),
      ['6', '7', '6', '7'],
    );
  });
});
