import { readSecret } from './secret.js';
import { RingError } from './errors.js';
import {
  settingNames,
  settings,
  userSettingNames,
  variableOf,
  type Setting,
  type SettingInput,
  type SettingName,
  type UserSettingName,
} from './settings.js';

/** What one rank runs with: options of `init` over the environment (which `tsrun` sets) over defaults. */
export interface Config extends UserSettings {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly localSize: number;
  readonly crossRank: number;
  readonly crossSize: number;
  /** Parameter servers of the job. */
  readonly servers: number;
  /** Where the job's processes find each other; absent for a rank that is alone. */
  readonly rendezvous: Rendezvous | undefined;
}

/** Checked, with defaults filled in; undefined where there is no default. */
type UserSettings = {
  readonly [N in UserSettingName]: Setting<N> | ((typeof settings)[N]['default'] & undefined);
};

export interface Rendezvous {
  /** The store that `tsrun` serves. */
  readonly store: HostPort;
  /** Address that this rank's listeners bind to and advertise. */
  readonly host: string;
  readonly jobId: string;
  /** 32 bytes, equal on all ranks of the job. */
  readonly secret: Buffer;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Settings that `init` takes; each overrides the `TSRING_*` variable of the same name (docs/settings.md lists them). */
export type ConfigOptions = { [N in SettingName]?: SettingInput<N> } & {
  /** 32 bytes, or 64 hex digits. */
  secret?: string | Uint8Array;
};

/**
 * Puts options, environment and defaults together and checks them.
 *
 * @throws {RingError} `RING_CONFIG`, naming the setting, its value and what is allowed (a secret's value is never shown)
 */
export function readConfig(options: ConfigOptions = {}, env: NodeJS.ProcessEnv = process.env): Config {
  refuseUnknown(options);
  const read = <N extends SettingName>(name: N) => readSetting(name, options[name], env);
  const place = readPlace(read);
  const servers = read('servers') ?? 0;
  return {
    ...place,
    servers,
    rendezvous: place.size === 1 && servers === 0 ? undefined : readRendezvous(read, options, env),
    ...readUserSettings(read),
  };
}

function readUserSettings(read: Read): UserSettings {
  const values = Object.fromEntries(userSettingNames.map((name) => [name, read(name) ?? settings[name].default]));
  const { transport, algorithm } = values as UserSettings;
  if (transport === 'tcp' && (algorithm === 'everyone' || algorithm === 'parts')) {
    throw bad('algorithm', algorithm, `an algorithm over links, as ${label('transport')} is tcp`);
  }
  return values as UserSettings;
}

/** What a parameter server runs with. */
export interface ServerConfig extends UserSettings {
  readonly server: number;
  readonly servers: number;
  /** Ranks of the job, which it serves. */
  readonly workers: number;
  readonly rendezvous: Rendezvous;
}

/** As `readConfig`, in a process that is a parameter server. @throws {RingError} `RING_CONFIG` */
export function readServerConfig(env: NodeJS.ProcessEnv = process.env): ServerConfig {
  const read = <N extends SettingName>(name: N) => readSetting(name, undefined, env);
  const [server, servers, workers] = [read('server'), read('servers'), read('size')];
  if (server === undefined || servers === undefined || workers === undefined || server >= servers) {
    throw new RingError('RING_CONFIG', 'this is a program of tsrun, which starts it for --ps');
  }
  return { server, servers, workers, rendezvous: readRendezvous(read, {}, env), ...readUserSettings(read) };
}

/** File to load the addon from instead of the package's own build; for builds kept elsewhere. */
export function addonPath(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env['TSRING_ADDON'];
}

/** Whether ranks with this environment encrypt, unless their init says otherwise. @throws {RingError} `RING_CONFIG` */
export function encryptsBy(env: NodeJS.ProcessEnv): boolean {
  return readSetting('encrypt', undefined, env) ?? settings.encrypt.default;
}

type Read = <N extends SettingName>(name: N) => Setting<N> | undefined;

/** Rank and size of the job, of the host, and across hosts. Without a size this process is rank 0 of 1. */
function readPlace(read: Read) {
  const { rank, size } = readPair(read, 'rank', 'size') ?? { rank: 0, size: 1 };
  const local = readPair(read, 'localRank', 'localSize') ?? { rank, size };
  const cross = readPair(read, 'crossRank', 'crossSize') ?? { rank: 0, size: 1 };
  if (local.size > size || cross.size > size) {
    const [name, value] =
      local.size > size ? (['localSize', local.size] as const) : (['crossSize', cross.size] as const);
    throw bad(name, value, `at most the job's size, ${size}`);
  }
  return {
    rank,
    size,
    localRank: local.rank,
    localSize: local.size,
    crossRank: cross.rank,
    crossSize: cross.size,
  };
}

function readPair(read: Read, rankName: RankName, sizeName: SizeName): { rank: number; size: number } | undefined {
  const rank = read(rankName);
  const size = read(sizeName);
  if (rank === undefined && size === undefined) return undefined;
  if (rank === undefined || size === undefined) {
    const [given, missing] = rank === undefined ? [sizeName, rankName] : [rankName, sizeName];
    throw new RingError(
      'RING_CONFIG',
      `${label(given)} is set without ${label(missing)}: set both (tsrun does), or neither to run alone as rank 0 of 1`,
    );
  }
  if (rank >= size) throw bad(rankName, rank, `0 to ${size - 1}, as ${label(sizeName)} is ${size}`);
  return { rank, size };
}

type RankName = 'rank' | 'localRank' | 'crossRank';
type SizeName = 'size' | 'localSize' | 'crossSize';

function readRendezvous(read: Read, options: ConfigOptions, env: NodeJS.ProcessEnv): Rendezvous {
  const need = <T>(value: T | undefined, name: string): T => {
    if (value !== undefined) return value;
    throw new RingError(
      'RING_CONFIG',
      `more than one rank needs ${name}, which is not set: start the script with tsrun, or say where ranks meet (TSRING_RENDEZVOUS)`,
    );
  };
  return {
    store: need(read('store'), label('store')),
    host: read('host') ?? '127.0.0.1',
    jobId: need(read('jobId'), label('jobId')),
    secret: need(
      readSecret(options.secret, env),
      'a job secret (TSRING_SECRET_FD, TSRING_SECRET_FILE or TSRING_SECRET)',
    ),
  };
}

function readSetting<N extends SettingName>(name: N, option: unknown, env: NodeJS.ProcessEnv): Setting<N> | undefined {
  const { schema, fromText, allowed } = settings[name];
  const variable = variableOf(name);
  const text = env[variable];
  if (option === undefined && text === undefined) return undefined;
  const parsed = schema.safeParse(option ?? fromText(text!));
  if (parsed.success) return parsed.data as Setting<N>;
  throw option === undefined
    ? new RingError('RING_CONFIG', `${variable} is ${JSON.stringify(text)}; allowed: ${allowed}`)
    : bad(name, option, allowed);
}

/** An option with a typing error in its name would otherwise be a default in silence. */
function refuseUnknown(options: ConfigOptions): void {
  const unknown = Object.keys(options).find((name) => !(name in settings) && name !== 'secret');
  if (unknown === undefined) return;
  const known = [...settingNames, 'secret'].join(', ');
  throw new RingError('RING_CONFIG', `init has no option ${JSON.stringify(unknown)}; it has ${known}`);
}

function bad(name: SettingName, value: unknown, allowed: string): RingError {
  return new RingError('RING_CONFIG', `${label(name)} is ${show(value)}; allowed: ${allowed}`);
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function label(name: SettingName): string {
  return `${name} (${variableOf(name)})`;
}
