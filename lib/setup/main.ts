import { Command } from 'commander';
import { installBinding } from './binding.js';
import { cacheFolder, exists } from './cache.js';
import { SetupFailure } from './failure.js';
import { libtensorflow } from './libtensorflow.js';
import { bindingPath, findTfjsNode, linkLibraries, tryTfjsNode } from './tfjs-node.js';

const defaultVersion = '2.20.0';

interface Options {
  readonly version?: string;
  readonly cuda: boolean;
  readonly optional: boolean;
}

/**
 * The command `tsring-setup-tensorflow`: makes the tfjs-node that is installed run on a current TensorFlow.
 *
 * @returns the exit status
 */
export async function main(argv: readonly string[]): Promise<number> {
  const command = new Command('tsring-setup-tensorflow')
    .description(
      "Builds tfjs-node's binding on the TensorFlow of a Python wheel. Where tfjs-node loads already, it is left as it is.",
    )
    .option('--version <version>', `version of TensorFlow to run on, 2.12 to 2.21 (default: ${defaultVersion})`)
    .option('--cuda', 'TensorFlow for NVIDIA GPUs, with the libraries it needs', false)
    .option('--optional', 'where it cannot be done, say why in one line and succeed', false)
    .addHelpText('after', '\nDownloads are kept in TSRING_CACHE, by default tsring in the cache folder of the user.');
  const options = command.parse(argv).opts<Options>();
  try {
    console.log(`tsring: ${await setUp(options)}`);
    return 0;
  } catch (error) {
    if (!(error instanceof SetupFailure || isSystemError(error))) throw error;
    const [line] = error.message.split('\n');
    if (options.optional) console.log(`tsring: going on without the tensorflow backend: ${line}`);
    else console.error(`tsring: cannot set up the tensorflow backend: ${line}`);
    return options.optional ? 0 : 1;
  }
}

async function setUp({ version, cuda }: Options): Promise<string> {
  const tfjsNode = await findTfjsNode(process.cwd());
  const name = `tfjs-node ${tfjsNode.version}`;
  const found = (await exists(bindingPath(tfjsNode))) ? await tryTfjsNode(tfjsNode) : undefined;
  // What loads is good enough, unless something else was asked for by name.
  const wanted = version ?? (cuda ? undefined : found && 'tensorflow' in found && found.tensorflow);
  if (found && 'tensorflow' in found && !cuda && found.tensorflow === wanted) {
    return `${name} runs on TensorFlow ${found.tensorflow} already`;
  }
  const say = (line: string) => console.log(`tsring: ${line}`);
  const libraries = await libtensorflow({ version: version ?? defaultVersion, cuda, cache: cacheFolder(), say });
  await installBinding(tfjsNode, libraries, say);
  await linkLibraries(tfjsNode, libraries);
  const result = await tryTfjsNode(tfjsNode);
  if ('failure' in result) throw new SetupFailure(`${name} was built but does not load: ${result.failure}`);
  return `${name} runs on TensorFlow ${result.tensorflow} now`;
}

/** A full disk, a folder that may not be written: the user's to mend, and the message says which. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
