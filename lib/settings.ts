import { isIP } from 'node:net';
import { z } from 'zod';

/** Ways to do an allreduce: the first three over links between ranks, the others through memory that they share. */
export const algorithmNames = ['ring', 'recursive-doubling', 'halving-doubling', 'everyone', 'parts'] as const;

const mostMs = 2 ** 31 - 1;

/**
 * The one table of settings. A row `timeoutMs` is the option `timeoutMs` of `init`, the variable `TSRING_TIMEOUT_MS` and, if it is
 * not about a rank's place, which tsrun sets, the flag `--timeout-ms` of tsrun. docs/settings.md is made from it by
 * scripts/settings-page.ts.
 */
export const settings = {
  rank: place(integer(0, 65_535), 'number of this process in the job'),
  size: place(integer(1, 65_536), 'processes of the job'),
  localRank: place(integer(0, 65_535), 'number of this process on its host'),
  localSize: place(integer(1, 65_536), 'processes of the job on this host'),
  crossRank: place(integer(0, 65_535), 'number of this host among those with such a local rank'),
  crossSize: place(integer(1, 65_536), 'hosts with such a local rank'),
  store: place(
    text(
      z
        .string()
        .transform(parseHostPort)
        .pipe(z.object({ host: z.string(), port: z.number() })),
      'host:port',
    ),
    'where the ranks find each other',
  ),
  host: place(
    text(z.string().min(1), 'an address of this machine, such as 127.0.0.1'),
    'what this rank listens on and tells the others',
  ),
  rendezvous: place(
    text(z.string().regex(/^(tcp:\/\/(\[[^\]]+\]|[^:]+):\d+|file:\/\/\/.+)$/), 'tcp://host:port or file:///path'),
    'where ranks meet that tsrun did not start',
  ),
  jobId: place(text(z.string().min(1).max(256), '1 to 256 characters, equal on all ranks'), 'name of the job'),
  servers: place(integer(0, 1024), 'parameter servers of the job'),
  server: place(integer(0, 1023), 'number of this parameter server, in a process that is one'),
  startTimeoutMs: row(integer(1, mostMs), 60_000, 'how long `init` waits for all ranks'),
  timeoutMs: row(integer(1, mostMs), 600_000, 'deadline of an operation, from the first rank that asks for it'),
  heartbeatTimeoutMs: row(integer(1, mostMs), 30_000, 'silence of a rank that counts as its death'),
  fusionThresholdBytes: row(
    integer(0, 2 ** 40),
    64 * 1024 * 1024,
    'tensors of a group are packed into buckets of at most this size, and over TCP of less where that stays in a cache; 0 moves each by itself',
  ),
  cacheCapacity: row(
    integer(0, 2 ** 20),
    1024,
    "named operations that ranks ask each other for by a number once they are known; 0: always in full. Only rank 0's counts",
  ),
  transport: row(
    text(z.enum(['auto', 'tcp', 'shm']), 'auto, tcp or shm'),
    'auto',
    'inside a host: shared memory where it can be had (auto), TCP always, or shared memory or nothing',
  ),
  sockets: row(
    integer(1, 64),
    1,
    'TCP connections that carry data between every two ranks; the same on all ranks (docs/tuning.md says when several pay). `autotune` begins with so many',
  ),
  algorithm: row(
    text(
      z.enum(['auto', ...algorithmNames]),
      `auto, ${algorithmNames.slice(0, -1).join(', ')} or ${algorithmNames.at(-1)}`,
    ),
    'auto',
    "how an allreduce is done; auto takes what costs least. Only rank 0's counts",
  ),
  tuningFile: row(
    text(z.string().min(1), 'a file that tsrun --tune has written, or none'),
    undefined,
    'costs that the choice of an algorithm goes by; unset: the usual file, if it is there',
  ),
  autotune: row(
    onOrOff(),
    false,
    'the first steps of training are used to look for the best `fusionThresholdBytes`, the size of pieces on links, the sizes up from which algorithms are chosen, and `sockets`. On all ranks or none',
  ),
  autotuneLogFile: row(
    text(z.string().min(1), 'a file'),
    undefined,
    'where rank 0 writes, as CSV, what `autotune` has tried and chosen',
  ),
  autotuneWarmupSamples: row(integer(0, 1000), 3, 'samples of `autotune` that do not count, at the start'),
  autotuneStepsPerSample: row(integer(1, 100_000), 10, 'steps of training that each trial of `autotune` lasts'),
  processSets: row(
    {
      schema: z.array(z.custom<readonly number[] | { readonly ranks: readonly number[] }>(isRanks)),
      fromText: parseProcessSets,
      allowed: 'sets of ranks: new ProcessSet([0, 1]) or [0, 1] each; as text 0,1;2,3',
      isSwitch: false,
    },
    undefined,
    'process sets that the ring begins with, the same on all ranks',
  ),
  stallCheckTimeSeconds: row(
    seconds(),
    60,
    'an operation that some ranks wait for so long is told of, once, with the ranks that are missing; 0: never',
  ),
  stallShutdownTimeSeconds: row(
    seconds(),
    0,
    'an operation that some ranks wait for so long is an error on all ranks; 0: `timeoutMs` alone counts',
  ),
  flightRecorderSize: row(integer(0, 2 ** 20), 2000, 'operations that each rank keeps in memory; 0: none'),
  flightRecorderDir: row(
    text(z.string().min(1), 'a folder'),
    undefined,
    "where each rank writes them when something fails, and on SIGUSR2 (unset: there in the system's temporary folder)",
  ),
  timeline: row(
    text(z.string().min(1), 'a file'),
    undefined,
    'a timeline of all ranks, which Perfetto opens; of `out.json` each rank writes `out.rank-<r>.json`, and tsrun makes one file of them',
  ),
  encrypt: row(
    onOrOff(),
    false,
    'TLS 1.3 on every connection between ranks, and on those with the store; the same on all ranks (docs/security.md)',
  ),
  ncclLib: row(
    text(z.string().min(1), 'a file, or a name that the loader finds'),
    undefined,
    'the NCCL for operations on GPUs; unset: that of the TensorFlow for GPUs beside tfjs-node, else libnccl.so.2',
  ),
  gpuTensors: row(
    text(z.enum(['auto', 'host']), 'auto or host'),
    'auto',
    'tfjs tensors of a TensorFlow that computes on a GPU: by NCCL where all ranks can (auto), or through main memory always',
  ),
  hierarchicalAllreduce: row(
    onOrOff(),
    false,
    "buffers on GPUs: NCCL inside each host alone, and our connections between hosts. Only rank 0's counts; without GPUs two levels are the rule anyway",
  ),
  numNcclStreams: row(
    integer(1, 16),
    1,
    "operations on GPUs, and buckets of one, that are under way side by side: one is packed or unpacked while NCCL works for another. Only rank 0's counts",
  ),
  serverBackend: row(
    text(z.enum(['auto', 'tensorflow', 'cpu']), 'auto, tensorflow or cpu'),
    'auto',
    'what parameter servers compute with; auto: tensorflow where tfjs-node loads, else cpu',
  ),
  checksum: row(onOrOff(), false, 'data between hosts travel with a checksum; rank 0’s setting counts, for all'),
  checkFinite: row(
    onOrOff(),
    false,
    'sums and averages of NaN or infinities are an error that names variable and rank',
  ),
  logLevel: row(
    text(z.enum(['error', 'warn', 'info', 'debug']), 'error, warn, info or debug'),
    'warn',
    'what is told on standard error',
  ),
} as const;

export type SettingName = keyof typeof settings;
/** A checked value. */
export type Setting<N extends SettingName> = z.output<(typeof settings)[N]['schema']>;
/** What `init` takes for it. */
export type SettingInput<N extends SettingName> = z.input<(typeof settings)[N]['schema']>;
/** Those that users set; the others are set by tsrun, a rank at a time. */
export type UserSettingName = {
  [N in SettingName]: (typeof settings)[N]['setBy'] extends 'user' ? N : never;
}[SettingName];

export const settingNames = Object.keys(settings) as SettingName[];
export const userSettingNames = settingNames.filter((name): name is UserSettingName => settings[name].setBy === 'user');

/** `TSRING_TIMEOUT_MS` for `timeoutMs`. */
export function variableOf(name: SettingName): string {
  return `TSRING_${words(name).join('_').toUpperCase()}`;
}

/** `--timeout-ms` for `timeoutMs`. */
export function flagOf(name: UserSettingName): string {
  return `--${words(name).join('-')}`;
}

function words(name: string): string[] {
  return name.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
}

interface Kind<S extends z.ZodType> {
  readonly schema: S;
  /** From the variable's text to what the schema checks. */
  readonly fromText: (text: string) => unknown;
  /** For messages. */
  readonly allowed: string;
  /** On or off: its flag takes no value. */
  readonly isSwitch: boolean;
}

interface SettingRow<S extends z.ZodType, D, By extends 'user' | 'tsrun'> extends Kind<S> {
  readonly setBy: By;
  readonly default: D;
  readonly description: string;
}

function row<S extends z.ZodType, const D extends z.output<S> | undefined>(
  kind: Kind<S>,
  fallback: D,
  description: string,
): SettingRow<S, D, 'user'> {
  return { ...kind, setBy: 'user', default: fallback, description };
}

function place<S extends z.ZodType>(kind: Kind<S>, description: string): SettingRow<S, undefined, 'tsrun'> {
  return { ...kind, setBy: 'tsrun', default: undefined, description };
}

function integer(min: number, max: number): Kind<z.ZodNumber> {
  return {
    schema: z.number().int().min(min).max(max),
    fromText: (text) => (/^\d+$/.test(text) ? Number(text) : text),
    allowed: `a whole number from ${min} to ${max}`,
    isSwitch: false,
  };
}

function seconds(): Kind<z.ZodNumber> {
  return {
    schema: z.number().min(0).max(1_000_000),
    fromText: (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : text),
    allowed: 'a number of seconds from 0 to 1000000',
    isSwitch: false,
  };
}

function onOrOff(): Kind<z.ZodBoolean> {
  const meanings: Readonly<Record<string, boolean>> = { true: true, false: false, '1': true, '0': false };
  return { schema: z.boolean(), fromText: (text) => meanings[text], allowed: 'true or false', isSwitch: true };
}

function text<S extends z.ZodType>(schema: S, allowed: string): Kind<S> {
  return { schema, fromText: (value) => value, allowed, isSwitch: false };
}

/** `0,1;2,3`; text that is none goes to the schema as it is, which refuses it. */
function parseProcessSets(value: string): number[][] | string {
  if (!/^\d+(,\d+)*(;\d+(,\d+)*)*$/.test(value)) return value;
  return value.split(';').map((set) => set.split(',').map(Number));
}

function isRanks(value: unknown): boolean {
  const ranks = Array.isArray(value) ? value : (value as { ranks?: unknown } | null | undefined)?.ranks;
  return Array.isArray(ranks);
}

/** `name:port`, `1.2.3.4:port` or `[v6]:port`; undefined, which the schema refuses, for anything else. */
function parseHostPort(value: string): { host: string; port: number } | undefined {
  const [, v6, name, digits] = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(value) ?? [];
  const host = v6 ?? name;
  const port = Number(digits);
  if (host === undefined || (v6 !== undefined && isIP(v6) !== 6) || port < 1 || port > 65_535) return undefined;
  return { host, port };
}
