import koffi from 'koffi';

/** A GPU as NVIDIA's management library tells of it. */
export interface NvmlGpu {
  readonly index: number;
  readonly name: string;
  /** `GPU-...`, as CUDA_VISIBLE_DEVICES takes it. */
  readonly uuid: string;
  readonly memoryBytes: number;
  /** As the folders of /sys/bus/pci/devices are called. */
  readonly pciBus: string;
  /** `MIG-...` of each instance that the card is cut into; none if it is whole. */
  readonly instances: readonly string[];
  /** Indices of the GPUs whose memory it can read over NVLink. */
  readonly nvlinkTo: readonly number[];
  /** Indices of those whose memory it can read over any bus, NVLink or PCIe, past main memory. */
  readonly peers: readonly number[];
}

export type NvmlAnswer = { readonly driver: string; readonly gpus: readonly NvmlGpu[] } | { readonly missing: string };

const success = 0;
/** What the driver's library says of a machine without a GPU, or whose driver is not loaded. */
const driverNotLoaded = 9;
const versionMismatch = 18;
const p2pRead = 0; // NVML_P2P_CAPS_INDEX_READ
const p2pNvlink = 2; // NVML_P2P_CAPS_INDEX_NVLINK
const textBytes = 96; // NVML_DEVICE_UUID_V2_BUFFER_SIZE and all others that we ask for

/**
 * Asks the driver's library, which comes with the driver alone. It takes time and memory: for what reports, not for each start of a job.
 * What an older driver does not know is left out.
 *
 * @param library - found as the dynamic linker does
 */
export function askNvml(library = 'libnvidia-ml.so.1'): NvmlAnswer {
  let nvml: Nvml;
  try {
    nvml = new Nvml(library);
  } catch (error) {
    return { missing: `${library} cannot be loaded (${reasonIn(error)}); it comes with the NVIDIA driver` };
  }
  const code = nvml.start();
  if (code !== success) return { missing: whyNot(code, nvml.errorString(code)) };
  try {
    const handles = nvml.devices();
    return { driver: nvml.driver(), gpus: handles.map((handle, index) => describe(nvml, handle, index, handles)) };
  } catch (error) {
    return { missing: reasonIn(error) };
  } finally {
    nvml.stop();
  }
}

function whyNot(code: number, said: string): string {
  if (code === driverNotLoaded) return `no GPU, or the NVIDIA driver is not loaded (NVML: ${said})`;
  if (code === versionMismatch) return `the driver was updated and wants a restart of the machine (NVML: ${said})`;
  return `NVML: ${said}`;
}

function describe(nvml: Nvml, handle: Handle, index: number, all: readonly Handle[]): NvmlGpu {
  const can = (capability: number) =>
    all.flatMap((other, at) => (at !== index && nvml.canReach(handle, other, capability) ? [at] : []));
  return {
    index,
    name: nvml.text('nvmlDeviceGetName', handle),
    uuid: nvml.text('nvmlDeviceGetUUID', handle),
    memoryBytes: nvml.memoryBytes(handle),
    pciBus: nvml.pciBus(handle),
    instances: nvml.instances(handle).map((instance) => nvml.text('nvmlDeviceGetUUID', instance)),
    nvlinkTo: can(p2pNvlink),
    peers: can(p2pRead),
  };
}

/** An opaque `nvmlDevice_t`. */
type Handle = unknown;
type Call = (...args: unknown[]) => number;
type ArgumentType = string | ReturnType<typeof koffi.out>;

/** The functions that we call, by their C names and with their return codes; see nvml.h of the CUDA toolkit. */
class Nvml {
  private readonly library: ReturnType<typeof koffi.load>;

  constructor(library: string) {
    this.library = koffi.load(library);
  }

  start(): number {
    return this.call('nvmlInit_v2', [])();
  }

  stop(): void {
    this.call('nvmlShutdown', [])();
  }

  errorString(code: number): string {
    const name = this.library.func('nvmlErrorString', 'str', ['int']) as (code: number) => string;
    return name(code);
  }

  driver(): string {
    const buffer = Buffer.alloc(textBytes);
    this.must(
      'nvmlSystemGetDriverVersion',
      this.call('nvmlSystemGetDriverVersion', ['void *', 'uint'])(buffer, textBytes),
    );
    return terminated(buffer);
  }

  devices(): Handle[] {
    const count = Buffer.alloc(4);
    this.must('nvmlDeviceGetCount_v2', this.call('nvmlDeviceGetCount_v2', ['void *'])(count));
    const get = this.call('nvmlDeviceGetHandleByIndex_v2', ['uint', handleOut]);
    return Array.from({ length: count.readUInt32LE() }, (_, index) => {
      const out = [null];
      this.must(`GPU ${index}`, get(index, out));
      return out[0];
    });
  }

  text(name: 'nvmlDeviceGetName' | 'nvmlDeviceGetUUID', handle: Handle): string {
    const buffer = Buffer.alloc(textBytes);
    this.must(name, this.call(name, ['void *', 'void *', 'uint'])(handle, buffer, textBytes));
    return terminated(buffer);
  }

  memoryBytes(handle: Handle): number {
    const memory = Buffer.alloc(24); // nvmlMemory_t: total, free, used
    const code = this.call('nvmlDeviceGetMemoryInfo', ['void *', 'void *'])(handle, memory);
    this.must('nvmlDeviceGetMemoryInfo', code);
    return Number(memory.readBigUInt64LE());
  }

  pciBus(handle: Handle): string {
    const info = Buffer.alloc(68); // nvmlPciInfo_t: busIdLegacy[16], five numbers, busId[32]
    this.must('nvmlDeviceGetPciInfo_v3', this.call('nvmlDeviceGetPciInfo_v3', ['void *', 'void *'])(handle, info));
    return terminated(info.subarray(36))
      .toLowerCase()
      .replace(/^0{4}(?=[\da-f]{4}:)/, '');
  }

  instances(handle: Handle): Handle[] {
    const [isOn, after, most] = [Buffer.alloc(4), Buffer.alloc(4), Buffer.alloc(4)];
    const mode = this.optional('nvmlDeviceGetMigMode', ['void *', 'void *', 'void *']);
    if (mode?.(handle, isOn, after) !== success || isOn.readUInt32LE() !== 1) return [];
    this.must('MIG', this.call('nvmlDeviceGetMaxMigDeviceCount', ['void *', 'void *'])(handle, most));
    const get = this.call('nvmlDeviceGetMigDeviceHandleByIndex', ['void *', 'uint', handleOut]);
    return Array.from({ length: most.readUInt32LE() }).flatMap((_, index) => {
      const out = [null];
      return get(handle, index, out) === success ? [out[0]] : []; // not all places are taken
    });
  }

  canReach(one: Handle, other: Handle, capability: number): boolean {
    const status = Buffer.alloc(4, 0xff);
    const get = this.optional('nvmlDeviceGetP2PStatus', ['void *', 'void *', 'int', 'void *']);
    return get?.(one, other, capability, status) === success && status.readInt32LE() === 0;
  }

  private call(name: string, args: ArgumentType[]): Call {
    return this.library.func(name, 'int', args) as Call;
  }

  private optional(name: string, args: ArgumentType[]): Call | undefined {
    try {
      return this.call(name, args);
    } catch {
      return undefined; // an older driver
    }
  }

  private must(what: string, code: number): void {
    if (code !== success) throw new Error(`${what}: NVML: ${this.errorString(code)}`);
  }
}

const handleOut = koffi.out(koffi.pointer('void *'));

function terminated(buffer: Buffer): string {
  const end = buffer.indexOf(0);
  return buffer.toString('latin1', 0, end < 0 ? undefined : end);
}

function reasonIn(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
