import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { nearest } from '../lib/launcher/nearest.js';

/** What a command line came to: options to run with, or a text (help or an error) to print and the code to exit with. */
export type Parsed<T> =
  | { readonly options: T; readonly exit?: never }
  | { readonly options?: never; readonly exit: { readonly code: number; readonly text: string } };

/**
 * Parses arguments without printing or exiting, as only one of the ranks is to speak. A mistyped option is answered with the
 * nearest one that there is.
 */
export function parseArguments(program: Command, argv: readonly string[]): Parsed<Record<string, unknown>> {
  let text = '';
  const collect = (part: string) => {
    text += part;
  };
  try {
    program
      .allowExcessArguments(false)
      .configureOutput({ writeOut: collect, writeErr: collect })
      .exitOverride()
      .parse(argv, { from: 'user' });
    return { options: program.opts() };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { exit: { code: error.exitCode, text: text.trimEnd() } };
  }
}

/** `--flag <name>` for one of `choices`; a mistyped one is answered with the nearest. */
export function choiceOption(flag: string, description: string, choices: readonly string[]): Option {
  return new Option(`--${flag} <name>`, description).choices(choices).argParser((value) => {
    if (choices.includes(value)) return value;
    const near = nearest(value, choices);
    throw new InvalidArgumentError(
      near === undefined ? `Allowed choices are ${choices.join(', ')}.` : `Did you mean ${near}?`,
    );
  });
}

/** For commander: a whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least || text.trim() === '') {
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    }
    return value;
  };
}

/** For commander: a finite number over zero. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number over 0.');
  return value;
}
