import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import koffi from 'koffi';
import { linkLibraries } from '../../lib/setup/tfjs-node.js';
import { temporaryFolder } from './temporary-folder.js';

const cudart = 'extern "C" int version() { return 12; }';
// As TensorFlow loads CUDA: by name, when it wants it, along its own run path.
const framework = `
  #include <dlfcn.h>
  extern "C" int cudartVersion() {
    void* library = dlopen("libcudart.so.12", RTLD_NOW);
    return library ? reinterpret_cast<int (*)()>(dlsym(library, "version"))() : -1;
  }`;
const cc = 'extern "C" int cudartVersion(); extern "C" int viaFramework() { return cudartVersion(); }';

describe('TensorFlow for GPUs in the folder of tfjs-node', () => {
  const folder = temporaryFolder();

  // Small libraries in the places, and with the run paths, of those in the wheels.
  it("finds NVIDIA's libraries, by TensorFlow's own run path", async function () {
    if (process.platform !== 'linux') {
      console.log('      skipped: run paths are a thing of Linux');
      this.skip();
    }
    const libraries = join(folder(), 'cache');
    const tfjsNode = join(folder(), 'tfjs-node');
    const compile = (name: string, source: string, ...flags: string[]) => {
      const file = join(libraries, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(`${file}.cc`, source);
      execFileSync('g++', ['-shared', '-fPIC', '-o', file, `${file}.cc`, ...flags], { stdio: 'pipe' });
      return file;
    };
    try {
      compile('nvidia/cuda_runtime/lib/libcudart.so.12', cudart);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      console.log('      skipped: no g++ to compile libraries with');
      this.skip();
    }
    const runPath = '-Wl,--enable-new-dtags,-rpath,$ORIGIN/../nvidia/cuda_runtime/lib';
    const first = compile('tensorflow/libtensorflow_framework.so.2', framework, runPath, '-Wl,-soname,libtensorflow_framework.so.2', '-ldl'); // prettier-ignore
    compile('tensorflow/libtensorflow_cc.so.2', cc, first, '-Wl,--enable-new-dtags,-rpath,$ORIGIN');
    mkdirSync(tfjsNode);
    await linkLibraries({ folder: tfjsNode, version: '4.22.0' }, libraries);
    const loaded = koffi.load(join(tfjsNode, 'deps/lib/libtensorflow_cc.so.2'));
    assert.equal((loaded.func('viaFramework', 'int', []) as () => number)(), 12);
  });
});
