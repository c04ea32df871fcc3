import { hostname } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { deserialize, serialize } from 'node:v8';
import { RingError } from './errors.js';
import { clusterOf } from './launcher/cluster/cluster-flags.js';
import { parseHostList } from './launcher/hosts.js';
import type { LaunchOptions } from './launcher/launch-options.js';
import { resultOf, runKeys } from './run-values.js';

export interface RunOptions {
  /** How many ranks. Default: as many as `hosts` have slots. */
  np?: number;
  /** As `--hosts` of tsrun: `a:2,b:2`. Default: this host. */
  hosts?: string;
  /** As `--spark` of tsrun: `np` tasks of Spark start the ranks. */
  spark?: string;
  /** Properties of Spark. */
  sparkConf?: Readonly<Record<string, string>>;
  /** As `--ray` of tsrun. */
  ray?: string;
  /** What each rank takes of Ray, as `{ CPU: 1 }`, which is the default. */
  rayResources?: Readonly<Record<string, number>>;
  /** Handed to the function, or to the function that the script exports. What the structured clone algorithm takes. */
  args?: readonly unknown[];
  /** Set for the ranks on top of this process's environment. */
  env?: Readonly<Record<string, string>>;
  /** Default: this process's. */
  cwd?: string;
  /** Allow more ranks than slots, and several ranks on a GPU. */
  oversubscribe?: boolean;
  /** Default: auto. */
  bindTo?: 'auto' | 'none' | 'core' | 'numa';
  mapBy?: 'slot' | 'node';
  /** For the whole job. Default: none. */
  timeoutMs?: number;
  /** For hosts to answer, and ranks to meet. */
  startTimeoutMs?: number;
  verbose?: boolean;
}

/**
 * Starts ranks as `tsrun` does, from a program, and hands back what each returns.
 *
 * @param work - a function, of which only the text travels: it runs in each rank's own process, knows nothing of what is around it here,
 *   and loads what it needs with `await import(...)`, as seen from `cwd`. Or a script: what it exports as default, called with `args` if
 *   it is a function. It calls `init` itself.
 * @returns what the ranks return, in order of rank; what the structured clone algorithm takes, typed arrays too
 * @throws {RingError} `RING_LAUNCH` with the first failure, and what was thrown there; as `tsrun` where the job cannot be started
 */
export async function run<T, A extends readonly unknown[] = readonly unknown[]>(
  work: string | ((...args: A) => T | Promise<T>),
  options: RunOptions & { args?: A } = {},
): Promise<T[]> {
  const { launch } = await import('./launcher/launch.js');
  const { exitCode, summary, values } = await launch(launchOptions(work, options));
  if (exitCode !== 0) {
    const thrown = values.get(runKeys.failure);
    const why = thrown === undefined ? '' : `: ${thrown}`;
    throw new RingError('RING_LAUNCH', `${summary ?? `the job ended with code ${exitCode}`}${why}`);
  }
  const size = Number(values.get(runKeys.size));
  return Array.from({ length: size }, (_, rank) => deserialize(resultOf(values, rank)) as T);
}

function launchOptions(work: unknown, options: RunOptions): LaunchOptions {
  const { np, hosts, args = [], env = {}, cwd = process.cwd(), ...rest } = options;
  if (np === undefined && hosts === undefined) throw invalid('give np, hosts or both');
  const cluster = clusterOptions(options);
  const program =
    typeof work === 'string'
      ? { module: pathToFileURL(path.resolve(cwd, work)).href }
      : { text: textOf(work), name: path.join(cwd, 'function-of-run.mjs') };
  return {
    ...rest,
    script: fileURLToPath(new URL('run-rank.js', import.meta.url)),
    cwd,
    environment: env,
    hosts: hosts === undefined ? [{ host: hostname(), slots: np, mentions: 0 }] : parseHosts(hosts),
    ...(np === undefined ? {} : { np }),
    ...(cluster === undefined ? {} : { cluster }),
    values: {
      [runKeys.program]: JSON.stringify(program),
      [runKeys.args]: serialized(args).toString('base64'),
    },
  };
}

function clusterOptions({ spark, sparkConf = {}, ray, rayResources = {}, np, hosts }: RunOptions) {
  const counts = Object.entries(rayResources).map(([name, count]) => [name, String(count)] as const);
  try {
    return clusterOf({
      sparkConf,
      ...(spark === undefined ? {} : { spark }),
      ...(ray === undefined ? {} : { ray }),
      ...(counts.length === 0 ? {} : { rayResources: Object.fromEntries(counts) }),
      ...(np === undefined ? {} : { numProc: np }),
      ...(hosts === undefined ? {} : { hosts }),
    });
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

function parseHosts(hosts: string): LaunchOptions['hosts'] & object {
  try {
    return parseHostList(hosts);
  } catch (error) {
    throw invalid(`hosts: ${(error as Error).message}`);
  }
}

function textOf(work: unknown): string {
  const text = typeof work === 'function' ? Function.prototype.toString.call(work) : '';
  if (text === '' || text.includes('[native code]')) throw invalid('a function of yours, or a script, is needed');
  return text;
}

function serialized(args: readonly unknown[]): Buffer {
  try {
    return serialize(args);
  } catch (cause) {
    throw invalid(`args cannot travel to the ranks: ${(cause as Error).message}`);
  }
}

function invalid(what: string): RingError {
  return new RingError('RING_INVALID_ARGUMENT', `run: ${what}`);
}
