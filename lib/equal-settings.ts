import type { Config } from './config.js';
import { RingError } from './errors.js';
import { flagOf, variableOf, type UserSettingName } from './settings.js';

/** What ranks must be given alike: with other values they could not link up, or would wait for each other for good. */
const names = [
  'transport',
  'sockets',
  'encrypt',
  'autotune',
  'autotuneWarmupSamples',
  'autotuneStepsPerSample',
] as const satisfies readonly UserSettingName[];

/** A rank's values of these settings, which it tells the others. */
export type EqualSettings = Pick<Config, (typeof names)[number]>;

export function equalSettingsOf(config: Config): EqualSettings {
  return Object.fromEntries(names.map((name) => [name, config[name]])) as EqualSettings;
}

/**
 * @param byRank - what each rank has told
 * @throws {RingError} `RING_MISMATCH` naming the first setting in which ranks differ, and which ranks have which value
 */
export function checkEqualSettings(byRank: readonly EqualSettings[]): void {
  for (const name of names) {
    // Of no use without.
    if (name.startsWith('autotune') && name !== 'autotune' && !byRank[0]!.autotune) continue;
    const ranksOf = new Map<unknown, number[]>();
    byRank.forEach((settings, rank) => {
      ranksOf.set(settings[name], [...(ranksOf.get(settings[name]) ?? []), rank]);
    });
    if (ranksOf.size === 1) continue;
    const values = [...ranksOf].map(([value, ranks]) => `${String(value)} on ${ranksInWords(ranks)}`);
    throw new RingError(
      'RING_MISMATCH',
      `init: \`${name}\` is ${values.join(', ')}; give all ranks the same (${flagOf(name)} of tsrun, ${variableOf(name)})`,
    );
  }
}

function ranksInWords(ranks: readonly number[]): string {
  const named = ranks.slice(0, 8).join(', ');
  const more = ranks.length > 8 ? ` and ${ranks.length - 8} more` : '';
  return `rank${ranks.length > 1 ? 's' : ''} ${named}${more}`;
}
