import { SetupFailure } from './failure.js';

/** What this machine can run, in pip's words. */
export interface WheelPlatform {
  /** pip's platform tags, any of which will do. */
  readonly tags: readonly string[];
  /** The package whose wheel holds TensorFlow for CPUs: on arm64 there is only one package. */
  readonly cpuPackage: 'tensorflow-cpu' | 'tensorflow';
}

interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** Version of the GNU C library, absent where Node runs on another one (musl). */
  readonly glibc?: string | undefined;
}

/** @throws {SetupFailure} where no TensorFlow wheel exists for the machine */
export function wheelPlatform(machine: Machine = thisMachine()): WheelPlatform {
  const arch = { x64: 'x86_64', arm64: 'aarch64' }[machine.arch];
  if (machine.platform !== 'linux' || !arch) {
    throw new SetupFailure(
      `there is no set-up for ${machine.platform}-${machine.arch}; it knows linux-x64 and linux-arm64`,
    );
  }
  if (!machine.glibc)
    throw new SetupFailure('TensorFlow needs the GNU C library, and this system has another one (musl?)');
  const [, minor = 0] = machine.glibc.split('.').map(Number);
  const tags = [`manylinux2014_${arch}`];
  for (let i = 17; i <= minor; i++) tags.push(`manylinux_2_${i}_${arch}`);
  return { tags, cpuPackage: machine.arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow' };
}

function thisMachine(): Machine {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return { platform: process.platform, arch: process.arch, glibc: header.glibcVersionRuntime };
}
