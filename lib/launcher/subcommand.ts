import { CommanderError, type Command } from 'commander';
import { RingError } from '../errors.js';

/** What a subcommand was called with, or what it has to print: its help. */
export type Called<Flags> =
  { readonly args: readonly string[]; readonly flags: Flags; readonly printed?: never } | { readonly printed: string };

/**
 * Parses what stands behind `tsrun NAME`.
 *
 * @throws {RingError} `RING_INVALID_ARGUMENT`: in one line, what is wrong and where help is
 */
export function callOf<Flags>(program: Command, argv: readonly string[]): Called<Flags> {
  let printed = '';
  program.exitOverride().configureOutput({ writeOut: (text) => (printed += text), writeErr: () => undefined });
  try {
    program.parse(argv, { from: 'user' });
    return { args: program.args, flags: program.opts() as Flags };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { printed };
    const what = error.message
      .replace(/^error: /, '')
      .replace(' is invalid. ', ' is invalid: ')
      .replaceAll('\n', ' ');
    throw new RingError('RING_INVALID_ARGUMENT', `${what}; ${program.name()} --help tells more`);
  }
}
