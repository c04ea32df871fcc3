import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand, type CommandResult } from './command.js';
import type { RemoteFile } from './download.js';
import { reasonIn, SetupFailure } from './failure.js';
import type { WheelPlatform } from './platform.js';

/** A wheel that pip has chosen for us. */
export interface Wheel extends RemoteFile {
  readonly name: string;
  readonly version: string;
}

/**
 * Asks pip, which knows where this user's packages come from, and never a host by name. Nothing of Python's is
 * installed, and the wheels need not fit that Python: their C++ libraries are the same for every one.
 */
export class Pip {
  private constructor(
    private readonly python: string,
    private readonly platform: WheelPlatform,
  ) {}

  /** @throws {SetupFailure} no Python with pip */
  static async find(platform: WheelPlatform): Promise<Pip> {
    for (const python of ['python3', 'python']) {
      const { status } = await runCommand(python, ['-m', 'pip', '--version'], { timeoutMs: 60_000 });
      if (status === 0) return new Pip(python, platform);
    }
    throw new SetupFailure('python3 with pip is needed to find the TensorFlow wheel (python3 -m pip --version failed)');
  }

  /**
   * Where the wheel of `requirement` is, and of all it depends on if `withDependencies`.
   *
   * @returns undefined where this pip (before 22.2) cannot tell, or tells no hash: then `downloadTo` has to do
   * @throws {SetupFailure} no such wheel, or no package index within reach
   */
  async locate(requirement: string, { withDependencies = false } = {}): Promise<Wheel[] | undefined> {
    const scope = withDependencies ? [] : ['--no-deps'];
    // pip wants a target where the platform is not its own; a dry run leaves it alone.
    const target = ['--target', join('.', 'not-used')];
    const flags = ['--dry-run', '--ignore-installed', '--quiet', '--report', '-', ...target];
    const result = await this.run('install', [...flags, ...scope, requirement]);
    if (/no such option: --(report|dry-run)/.test(result.stderr)) return undefined;
    if (result.status !== 0) throw new SetupFailure(`pip finds no wheel of ${requirement}: ${reasonIn(result.stderr)}`);
    const wheels = (JSON.parse(result.stdout) as Report).install.map(wheelOf);
    return wheels.every((wheel) => wheel !== undefined) ? wheels : undefined;
  }

  /** Has pip download the wheel into an empty folder, and returns its path. No resume, no progress. */
  async downloadTo(folder: string, requirement: string): Promise<string> {
    const result = await this.run('download', ['--quiet', '--no-deps', '-d', folder, requirement]);
    const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
    if (result.status !== 0 || !wheel) {
      throw new SetupFailure(`pip cannot download ${requirement}: ${reasonIn(result.stderr)}`);
    }
    return join(folder, wheel);
  }

  private run(command: string, args: readonly string[]): Promise<CommandResult> {
    const tags = this.platform.tags.flatMap((tag) => ['--platform', tag]);
    // Any of the Pythons that a TensorFlow release supports: 3.11 is in all from 2.12 to 2.21.
    const python = ['--only-binary', ':all:', '--implementation', 'cp', '--python-version', '3.11'];
    const quiet = ['--disable-pip-version-check', '--no-input'];
    return runCommand(this.python, ['-m', 'pip', command, ...quiet, ...python, ...tags, ...args], {
      timeoutMs: 1_800_000,
    });
  }
}

/** What we use of pip's installation report, format 1. */
interface Report {
  readonly install: readonly {
    readonly metadata: { readonly name: string; readonly version: string };
    readonly download_info: { readonly url: string; readonly archive_info?: { readonly hash?: string } };
  }[];
}

function wheelOf({ metadata, download_info }: Report['install'][number]): Wheel | undefined {
  const sha256 = /^sha256=([0-9a-f]{64})$/.exec(download_info.archive_info?.hash ?? '')?.[1];
  // pip hides passwords in its report, so such an address is of no use to us.
  if (!sha256 || download_info.url.includes('****')) return undefined;
  return { name: metadata.name, version: metadata.version, url: download_info.url, sha256 };
}
