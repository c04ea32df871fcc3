import assert from 'node:assert/strict';
import { sizeGroups } from '../../../bench/peers/measure.js';
import { parsePeersOptions, parseSystems } from '../../../bench/peers/options.js';
import { versionIn } from '../../../bench/peers/parts.js';
import { systems } from '../../../bench/peers/systems.js';

describe('bench/peers/options', () => {
  it('has a whole comparison as its defaults', () => {
    const options = parsePeersOptions([]).options!;
    assert.deepEqual(options.np, [2, 4, 8]);
    assert.deepEqual(options.sizes, [4, 2 ** 12, 2 ** 16, 2 ** 20, 2 ** 24, 2 ** 26, 2 ** 28]);
    assert.equal(options.systems.length, systems.length);
  });

  it('takes systems by name or by the beginning of names, and keeps the order of a round', () => {
    assert.deepEqual(parseSystems('tsring,openmpi'), ['openmpi', 'tsring']);
    assert.deepEqual(parseSystems('horovod, gloo-ring'), ['horovod-mpi', 'gloo-ring', 'horovod-gloo']);
    assert.equal(parseSystems('gloo').length, 4);
  });

  it('names what is wrong', () => {
    assert.match(parsePeersOptions(['--systems', 'opnmpi']).exit!.text, /Did you mean openmpi\?/);
    assert.match(parsePeersOptions(['--systems', '']).exit!.text, /Systems are openmpi, /);
    assert.match(parsePeersOptions(['--np', '2,x']).exit!.text, /whole number/);
    assert.match(parsePeersOptions(['--round', '2']).exit!.text, /Did you mean --rounds/);
  });

  it('starts a system once for sizes of about the same cost', () => {
    assert.deepEqual(sizeGroups([4, 65536, 2 ** 20, 2 ** 28]), [[4, 65536], [2 ** 20], [2 ** 28]]);
    assert.deepEqual(sizeGroups([2 ** 24]), [[2 ** 24]]);
  });

  it('finds a version in what programs say', () => {
    assert.equal(versionIn('mpirun.openmpi (OpenRTE) 4.1.4\n\nReport bugs'), '4.1.4');
    assert.equal(versionIn('HYDRA build details:\n    Version:                                 4.0.2\n'), '4.0.2');
    assert.equal(versionIn(''), 'unknown');
  });
});
