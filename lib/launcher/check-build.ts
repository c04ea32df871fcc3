import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ncclLibrary } from '../nccl-library.js';

/** One part of the package: there, or absent for a reason that says what to do. */
interface Part {
  readonly name: string;
  readonly present: boolean;
  readonly detail: string;
}

/** What `tsrun --check-build` prints: which parts are there and, of the others, why not and what to do. */
export async function checkBuild(): Promise<string> {
  const { version } = createRequire(import.meta.url)('tsring/package.json') as { version: string };
  const [addon, tensorflow, wasm, gpus, nccl] = await Promise.all([
    probeAddon(),
    probeTensorflow(),
    probeWasm(),
    nvidia(),
    probeNccl(),
  ]);
  const groups: [string, Part[]][] = [
    ['Engine', [addon]],
    ['Transports and their ways to do an allreduce', transports(addon.present)],
    ['Tensors, beside the cpu backend', [tensorflow, wasm]],
    ['GPUs', [gpus, nccl]],
  ];
  const body = groups.map(([title, parts]) => `${title}:\n${parts.map(line).join('')}`).join('\n');
  return `tsring ${version}, Node ${process.versions.node}, ${process.platform} ${process.arch}\n\n${body}`;
}

function line({ name, present, detail }: Part): string {
  return `  [${present ? 'x' : ' '}] ${name}${detail === '' ? '' : `: ${detail}`}\n`;
}

async function probeAddon(): Promise<Part> {
  const module = new URL('../native/load.js', import.meta.url).href;
  const found = await probe(
    `const { loadAddon } = await import(${JSON.stringify(module)}); found(loadAddon().version);`,
  );
  return { name: 'native addon', ...found };
}

function transports(hasAddon: boolean): Part[] {
  const part = (name: string, algorithms: string, present: boolean, reason: string): Part => ({
    name,
    present,
    detail: present ? algorithms : reason,
  });
  const memory = hasAddon && process.platform === 'linux';
  return [
    part('shared memory', 'everyone, parts', memory, hasAddon ? 'only on Linux' : 'part of the addon'),
    part('TCP', 'ring, recursive-doubling, halving-doubling', hasAddon, 'part of the addon'),
  ];
}

async function probeTensorflow(): Promise<Part> {
  const tensors = new URL('../tensors/', import.meta.url).href;
  const found = await probe(`
    const tf = (await import(${userModule('@tensorflow/tfjs-node')})).default;
    const onGpu = async () => {
      const { tensorflowOps } = await import('${tensors}tensorflow-bridge.js');
      const { probeGpuTensors } = await import('${tensors}gpu-tensors.js');
      if (!tensorflowOps(tf.backend())) return '; on a GPU, whose tensors are copied';
      const reason = probeGpuTensors(0);
      return reason === '' ? '; on a GPU, where NCCL takes its tensors' : '; on a GPU, its tensors go through main memory: ' + reason;
    };
    const gpu = tf.backend().isUsingGpuDevice ? await onGpu() : '';
    found('tfjs-node ' + tf.version['tfjs-node'] + ' on TensorFlow ' + tf.backend().binding.TF_Version + gpu);`);
  const remedy = 'npx tsring-setup-tensorflow installs it; without it models run on another backend';
  return { name: 'TensorFlow', ...withRemedy(found, remedy) };
}

async function probeWasm(): Promise<Part> {
  const found = await probe(`
    const wasm = (await import(${userModule('@tensorflow/tfjs-backend-wasm')}));
    found('tfjs-backend-wasm ' + wasm.version_wasm);`);
  return { name: 'WebAssembly', ...withRemedy(found, 'npm install @tensorflow/tfjs-backend-wasm, if you want it') };
}

async function nvidia(): Promise<Part> {
  const module = new URL('nvml.js', import.meta.url).href;
  const found = await probe(`
    const answer = (await import(${JSON.stringify(module)})).askNvml();
    if ('missing' in answer) throw new Error(answer.missing);
    const gib = (bytes) => (bytes / 2 ** 30).toFixed(0) + ' GiB';
    const reach = (way, indices) => (indices.length > 0 ? ', ' + way + ' ' + indices.join(' ') : '');
    const about = ({ index, name, memoryBytes, pciBus, instances, nvlinkTo, peers }) =>
      index + ' ' + name + ', ' + gib(memoryBytes) + ', ' + pciBus +
      (instances.length > 0 ? ', ' + instances.length + ' MIG instances' : '') +
      reach('NVLink to', nvlinkTo) + reach('peer access over PCIe to', peers.filter((peer) => !nvlinkTo.includes(peer)));
    found('driver ' + answer.driver + '; ' + (answer.gpus.map(about).join('; ') || 'no GPU'));`);
  return { name: 'NVIDIA GPUs', ...found };
}

async function probeNccl(): Promise<Part> {
  const module = new URL('../native/load.js', import.meta.url).href;
  const library = ncclLibrary(process.env['TSRING_NCCL_LIB']);
  const found = await probe(`
    const facts = (await import(${JSON.stringify(module)})).loadAddon().probeGpus(${JSON.stringify(library)});
    const missing = [facts.cudaReason, facts.ncclReason].filter((reason) => reason !== undefined);
    if (missing.length > 0) throw new Error(missing.join('; '));
    const { ncclVersion: v } = facts;
    found([Math.floor(v / 10000), Math.floor(v / 100) % 100, v % 100].join('.'));`);
  return { name: 'NCCL, for buffers on GPUs', ...found };
}

type Finding = Omit<Part, 'name'>;

/** Each part is loaded by a process of its own: a broken library can end the one that loads it. */
function probe(program: string): Promise<Finding> {
  const wrapped = `
    const found = (detail) => console.log('@found ' + detail);
    try { ${program} } catch (error) { console.log('@missing ' + String(error?.message ?? error)); }
    process.exit();`;
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' };
  return new Promise((resolve) => {
    const args = ['--input-type=module', '--eval', wrapped];
    execFile(process.execPath, args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      const [, verdict, detail = ''] = /^@(found|missing) ([^]*)$/m.exec(stdout) ?? [];
      if (verdict !== undefined) resolve({ present: verdict === 'found', detail: oneLine(detail) });
      else resolve({ present: false, detail: oneLine(stderr) || error?.message || 'it ended without a word' });
    });
  });
}

/** A string literal with the address of the user's copy, or of ours, of a package. */
function userModule(name: string): string {
  for (const from of [path.join(process.cwd(), 'x.js'), import.meta.url]) {
    try {
      return JSON.stringify(createRequire(from).resolve(name));
    } catch {
      continue; // not from there
    }
  }
  return JSON.stringify(name); // importing it says that it is missing
}

function withRemedy(found: Finding, remedy: string): Finding {
  return found.present ? found : { present: false, detail: `${found.detail}; ${remedy}` };
}

function oneLine(text: string): string {
  const [first = '', ...rest] = text.trim().split(/\s*\n\s*/);
  return rest.length === 0 ? first : `${first} (${rest.slice(0, 2).join(' ')})`;
}
