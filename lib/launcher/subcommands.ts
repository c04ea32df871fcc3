import { RingError } from '../errors.js';

type Subcommand = (argv: readonly string[]) => string | Promise<string>;

/** What `tsrun NAME` does in place of starting a job: takes what stands behind the name, and gives what is to be printed. */
const subcommands: Readonly<Record<string, () => Promise<Subcommand>>> = {
  advise: async () => (await import('./advise-run.js')).adviseRun,
  analyze: async () => (await import('./analyze.js')).analyze,
  'merge-timeline': async () => mergeTimeline((await import('./timeline.js')).finish),
  report: async () => (await import('./report-files.js')).reportFiles,
  simulate: async () => (await import('./simulate.js')).simulateJobs,
};

/**
 * @returns undefined where `argv` begins with no subcommand
 * @throws {RingError} `RING_INVALID_ARGUMENT`: wrong usage
 */
export function subcommandOf([name = '', ...rest]: readonly string[]): (() => Promise<string>) | undefined {
  if (!Object.hasOwn(subcommands, name)) return undefined;
  return async () => (await subcommands[name]!())(rest);
}

function mergeTimeline(finish: (file: string) => Promise<string>): Subcommand {
  return ([file, ...rest]) => {
    if (file === undefined || file.startsWith('-') || rest.length > 0) {
      throw new RingError('RING_INVALID_ARGUMENT', 'which timeline? tsrun merge-timeline FILE');
    }
    return finish(file);
  };
}
