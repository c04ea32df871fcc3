import assert from 'node:assert/strict';
import { SetupFailure } from '../../lib/setup/failure.js';
import { wheelPlatform } from '../../lib/setup/platform.js';

describe('setup platform', () => {
  it('takes wheels for this C library and older ones', () => {
    const { tags, cpuPackage } = wheelPlatform({ platform: 'linux', arch: 'x64', glibc: '2.28' });
    assert.equal(cpuPackage, 'tensorflow-cpu');
    assert.ok(tags.includes('manylinux2014_x86_64') && tags.includes('manylinux_2_28_x86_64'));
    assert.ok(!tags.includes('manylinux_2_31_x86_64'));
  });

  it('knows that arm64 has one package for all', () => {
    const { tags, cpuPackage } = wheelPlatform({ platform: 'linux', arch: 'arm64', glibc: '2.36' });
    assert.equal(cpuPackage, 'tensorflow');
    assert.ok(tags.every((tag) => tag.endsWith('_aarch64')));
  });

  it('says in one line what it cannot serve', () => {
    const refused = [
      { platform: 'linux', arch: 'x64' },
      { platform: 'linux', arch: 'riscv64', glibc: '2.36' },
      { platform: 'darwin', arch: 'arm64' },
    ];
    for (const machine of refused) {
      assert.throws(
        () => wheelPlatform(machine),
        (error) => error instanceof SetupFailure && !error.message.includes('\n'),
      );
    }
  });
});
