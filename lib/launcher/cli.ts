import { RingError } from '../errors.js';
import { parseArguments } from './arguments.js';
import { launch } from './launch.js';
import { subcommandOf } from './subcommands.js';
import { expectTimeline } from './timeline.js';
import { tuneOptions } from './tune.js';

/** The command `tsrun`: ends the process with the job's exit code, or with 2 if the command line makes no sense. */
export async function main(argv: readonly string[]): Promise<never> {
  try {
    const subcommand = subcommandOf(argv);
    if (subcommand !== undefined) return await say(process.stdout, await subcommand(), 0);
    const command = parseArguments(argv);
    if (command.kind === 'print') return await say(process.stdout, command.text, 0);
    if (command.kind === 'check-build') {
      const { checkBuild } = await import('./check-build.js');
      return await say(process.stdout, await checkBuild(), 0);
    }
    if (command.kind === 'dry-run') {
      const { dryRun } = await import('./dry-run.js');
      return await say(process.stdout, await dryRun(command.options), 0);
    }
    const options = command.kind === 'tune' ? tuneOptions(command) : command.options;
    const timeline = expectTimeline(options);
    const { exitCode, summary } = await launch({ ...options, signals: process });
    if (timeline !== undefined) process.stderr.write(`tsrun: ${await timeline.finish()}`);
    return await say(process.stderr, summary === undefined ? '' : `tsrun: ${summary}\n`, exitCode);
  } catch (error) {
    if (!(error instanceof RingError)) throw error;
    return await say(process.stderr, `tsrun: ${error.message}\n`, error.code === 'RING_INVALID_ARGUMENT' ? 2 : 1);
  }
}

/** Exits once the text has left: a pipe takes it asynchronously. A reader that has gone is no reason to stay. */
async function say(stream: NodeJS.WriteStream, text: string, exitCode: number): Promise<never> {
  await new Promise<void>((resolve) => {
    stream.once('error', () => resolve());
    stream.write(text, () => resolve());
  });
  process.exit(exitCode);
}
