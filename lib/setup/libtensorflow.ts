import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, freshFolderFor } from './cache.js';
import { download } from './download.js';
import { SetupFailure } from './failure.js';
import { withLock } from './lock.js';
import { Pip, type Wheel } from './pip.js';
import { wheelPlatform } from './platform.js';
import { Progress } from './progress.js';
import { extractWheel, wantedFiles } from './wheel.js';

const idleTimeoutMs = 60_000;
const lockTimeoutMs = 60 * 60_000;

export interface LibtensorflowOptions {
  readonly version: string;
  readonly cuda: boolean;
  readonly cache: string;
  readonly say: (line: string) => void;
}

/**
 * The folder with TensorFlow's libraries and headers (`tensorflow/`) and, for CUDA, NVIDIA's libraries (`nvidia/`), out of
 * the cache or else out of wheels. The wheels are not kept: what is unpacked is the cache.
 *
 * @throws {SetupFailure}
 */
export async function libtensorflow(options: LibtensorflowOptions): Promise<string> {
  const { version, cuda, cache, say } = options;
  const platform = wheelPlatform();
  const name = `tensorflow-${cuda ? 'cuda' : 'cpu'}-${version}-${process.platform}-${process.arch}`;
  const folder = join(cache, name);
  if (await exists(folder)) return folder;
  const onWait = () => say(`waiting for another process that is fetching TensorFlow ${version} into ${cache}`);
  await withLock(
    `${folder}.lock`,
    async () => {
      if (await exists(folder)) return;
      const unfinished = await freshFolderFor(name, cache);
      const pip = await Pip.find(platform);
      const wheels = cuda
        ? await fetchCuda(pip, options)
        : [await fetchCpu(pip, `${platform.cpuPackage}==${version}`, unfinished, options)];
      for (const wheel of wheels) await extractWheel(wheel, wantedFiles, unfinished);
      for (const wheel of wheels) await rm(wheel);
      await rename(unfinished, folder);
    },
    { timeoutMs: lockTimeoutMs, onWait },
  );
  return folder;
}

async function fetchCpu(pip: Pip, requirement: string, folder: string, options: LibtensorflowOptions): Promise<string> {
  // Node's fetch goes through no proxy; pip does.
  const proxied = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'PIP_PROXY'].some(
    (name) => process.env[name],
  );
  const [wheel] = (!proxied && (await pip.locate(requirement))) || [];
  if (wheel) return downloadWheel(wheel, options);
  options.say(`having pip download the wheel of ${requirement}`);
  return pip.downloadTo(folder, requirement);
}

async function fetchCuda(pip: Pip, options: LibtensorflowOptions): Promise<string[]> {
  const wheels = await pip.locate(`tensorflow[and-cuda]==${options.version}`, { withDependencies: true });
  if (!wheels) throw new SetupFailure('--cuda needs pip 22.2 or later and a package index that gives hashes');
  const paths: string[] = [];
  for (const wheel of wheels) {
    const { name } = wheel;
    if (name === 'tensorflow' || name.startsWith('nvidia-')) paths.push(await downloadWheel(wheel, options));
  }
  return paths;
}

/** Once all is unpacked the wheel goes; until then it stays, for a run after one that was killed. */
async function downloadWheel(wheel: Wheel, { cache, say }: LibtensorflowOptions): Promise<string> {
  const path = join(cache, 'downloads', `${wheel.sha256}.whl`);
  if (await exists(path)) return path;
  const what = `${wheel.name} ${wheel.version}`;
  say(`fetching the wheel of ${what}`);
  const progress = new Progress(what);
  try {
    await download(wheel, path, { idleTimeoutMs, onProgress: (received, total) => progress.update(received, total) });
  } finally {
    progress.end();
  }
  return path;
}
