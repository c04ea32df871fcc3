/** Why the set-up cannot go on, in one line that a user can act on. Anything else that is thrown is a bug. */
export class SetupFailure extends Error {
  override readonly name = 'SetupFailure';
}

/** The line of what a tool printed that tells the reason: its last with "error" in it, else its last. */
export function reasonIn(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  const telling = lines.filter((line) => line !== '');
  return telling.filter((line) => /error/i.test(line)).at(-1) ?? telling.at(-1) ?? 'no message';
}
