import type { Config } from './config.js';

/** A line on standard error, as the engine writes its own, where `logLevel` is debug. */
export function logDebug({ rank, logLevel }: Pick<Config, 'rank' | 'logLevel'>, text: string): void {
  if (logLevel === 'debug') process.stderr.write(`tsring[rank ${rank}] debug: ${text}\n`);
}
