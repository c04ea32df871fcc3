import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { bindRanks } from '../../lib/launcher/bind-ranks.js';
import { allowedCpus, type Cpu } from '../../lib/launcher/cpus.js';
import { formatCpuList, parseCpuList } from '../../lib/processors.js';
import { tsrun } from '../helpers/tsrun.js';

/** `nodes` of `cores` each, with two threads a core numbered as Linux does: all first threads, then all second ones. */
function machine(nodes: number, cores: number): Cpu[] {
  const all = nodes * cores;
  return Array.from({ length: 2 * all }, (_, cpu) => {
    const core = cpu % all;
    return { cpu, core: `0:${core}`, node: Math.floor(core / cores) };
  });
}

describe('binding of ranks', () => {
  it('core: shares whole cores out, none to two ranks', () => {
    const sizes = fc.record({ nodes: fc.integer({ min: 1, max: 4 }), cores: fc.integer({ min: 1, max: 16 }) });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 16 }), ({ nodes, cores }, ranks) => {
        fc.pre(Math.ceil(ranks / nodes) <= cores);
        const cpus = machine(nodes, cores);
        const near = Array.from({ length: ranks }, () => undefined);
        const bound = bindRanks({ bindTo: 'core', host: 'h', nearNodes: near }, cpus);
        const coreOf = (cpu: number) => cpus.find((one) => one.cpu === cpu)!.core;
        const owners = bound.map((own) => new Set(own!.map(coreOf)));
        for (const [rank, own] of owners.entries()) {
          assert(own.size >= 1);
          for (const other of owners.slice(rank + 1)) for (const core of own) assert(!other.has(core));
        }
        for (const own of bound) assert.equal(own!.length % 2, 0); // both threads of each core
      }),
    );
  });

  it('numa: gives each rank the node of its GPU', () => {
    const cpus = machine(2, 2);
    const bound = bindRanks({ bindTo: 'numa', host: 'h', nearNodes: [1, 0, undefined] }, cpus);
    assert.deepEqual(
      bound.map((own) => formatCpuList(own!)),
      ['2-3,6-7', '0-1,4-5', '2-3,6-7'],
    );
    assert.deepEqual(bindRanks({ bindTo: 'none', host: 'h', nearNodes: [1] }, cpus), [undefined]);
  });

  it('core: refuses more ranks than cores', () => {
    const nearNodes = [undefined, undefined, undefined];
    const binding = { bindTo: 'core', host: 'h', nearNodes } as const;
    assert.throws(() => bindRanks(binding, machine(1, 2)), {
      code: 'RING_INVALID_ARGUMENT',
      message: /2 cores for 3 ranks/,
    });
  });

  it('auto: gives all ranks the same and leaves no core unused, or all cores equally many ranks, or binds none', () => {
    const lists = (ranks: number, cpus: readonly Cpu[], nearNodes = Array.from({ length: ranks }, () => undefined)) =>
      bindRanks({ bindTo: 'auto', host: 'h', nearNodes }, cpus).map((own) => own && formatCpuList(own));
    assert.deepEqual(lists(2, machine(1, 2)), ['0,2', '1,3']);
    assert.deepEqual(lists(4, machine(2, 4)), ['0-1,8-9', '2-3,10-11', '4-5,12-13', '6-7,14-15']);
    assert.deepEqual(lists(4, machine(1, 2)), ['0,2', '0,2', '1,3', '1,3']);
    assert.deepEqual(new Set(lists(16, machine(2, 4))).size, 8);
    assert.deepEqual(new Set(lists(6, machine(2, 4))), new Set(['0-3,8-11', '4-7,12-15'])); // 3 ranks on 4 cores
    for (const [ranks, cpus] of [
      [1, machine(1, 2)], // alone
      [3, machine(1, 4)], // a core is left over
      [3, machine(2, 4)], // 2 ranks on one node, 1 on the other
      [3, machine(1, 2)], // not a core for each
      [12, machine(2, 4)], // 6 ranks on 4 cores
      [2, []],
    ] as const) {
      assert.deepEqual(new Set(lists(ranks, cpus)), new Set([undefined]));
    }
    const onOneNode = { bindTo: 'auto', host: 'h', nearNodes: [0, 0] } as const; // GPUs; the other node's cores would idle
    assert.deepEqual(bindRanks(onOneNode, machine(2, 4)), [undefined, undefined]);
  });

  it('reads and writes the kernel’s lists', () => {
    assert.deepEqual(parseCpuList('0-2,8,10-11\n'), [0, 1, 2, 8, 10, 11]);
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(300), { minLength: 1 }), (cpus) => {
        assert.deepEqual(
          parseCpuList(formatCpuList(cpus)),
          [...cpus].sort((a, b) => a - b),
        );
      }),
    );
  });

  it('knows cores and nodes from the system’s files', () => {
    const root = mkdtempSync(path.join(tmpdir(), 'tsring-cpus-'));
    const put = (file: string, text: string) => {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), text);
    };
    put('proc/self/status', 'Name:\tnode\nCpus_allowed_list:\t1-3\n');
    put('sys/devices/system/node/node0/cpulist', '0-1\n');
    put('sys/devices/system/node/node1/cpulist', '2-3\n');
    for (const cpu of [1, 2, 3]) {
      put(`sys/devices/system/cpu/cpu${cpu}/topology/physical_package_id`, '0\n');
      put(`sys/devices/system/cpu/cpu${cpu}/topology/core_id`, `${cpu >> 1}\n`);
    }
    assert.deepEqual(allowedCpus(root), [
      { cpu: 1, core: '0:0', node: 0 },
      { cpu: 2, core: '0:1', node: 1 },
      { cpu: 3, core: '0:1', node: 1 },
    ]);
    rmSync(root, { recursive: true });
  });

  it('a rank and all its threads run where they were bound to', async function () {
    const cores = new Set(allowedCpus().map(({ core }) => core)).size;
    if (process.platform !== 'linux' || cores < 2) {
      console.log('      skipped: needs Linux and two cores');
      return this.skip();
    }
    const { ranks, stderr } = await tsrun({
      np: 2,
      script: 'scripts/launcher/affinity.mjs',
      flags: ['--bind-to', 'core', '--verbose'],
      timeoutMs: 20_000,
    });
    const [first, second] = ranks.map(({ result }) => result as string[]);
    assert.equal(new Set(first).size, 1, 'one list for all threads');
    assert.equal(new Set(second).size, 1);
    assert.notEqual(first![0], second![0]);
    for (const list of [first![0]!, second![0]!]) assert(stderr.includes(`  ${list}  `), stderr);
  });

  it('is auto by default', async function () {
    if (process.platform !== 'linux') {
      console.log('      skipped: needs Linux');
      return this.skip();
    }
    const cpus = allowedCpus();
    const expected = bindRanks({ bindTo: 'auto', host: 'h', nearNodes: [undefined, undefined] }, cpus);
    const { ranks } = await tsrun({
      np: 2,
      script: 'scripts/launcher/affinity.mjs',
      flags: ['-x', 'CUDA_VISIBLE_DEVICES='],
      timeoutMs: 20_000,
    });
    assert.deepEqual(
      ranks.map(({ result }) => [...new Set(result as string[])]),
      expected.map((own) => [formatCpuList(own ?? cpus.map(({ cpu }) => cpu))]),
    );
  });
});
