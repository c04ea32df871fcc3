import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ConfigOptions, readConfig } from './config.js';
import { RingError } from './errors.js';
import { hostId } from './host-id.js';
import { type MeetingNote, readNote, removeNote, writeNote } from './meeting-file.js';
import { ownAddress } from './net/own-address.js';
import { StoreClient } from './net/store-client.js';
import { StoreServer } from './net/store-server.js';
import { schedulerPlace, type SchedulerPlace } from './schedulers.js';
import { readSecret } from './secret.js';
import { settings } from './settings.js';

/** What `init` needs beside what it was given, where tsrun has not told it. */
export interface Meeting extends AsyncDisposable {
  readonly options: ConfigOptions;
}

/**
 * Finds the other ranks of a job that tsrun did not start. The place is the scheduler's; the meeting is at a store that rank 0 serves, at
 * an address that all know (`tcp://host:port`) or that it writes into a file that all can read (`file:///...`), and that lasts until all
 * are linked. Of a job that tsrun started, and of a process alone, nothing is asked.
 *
 * @throws {RingError} `RING_CONFIG`: nothing says where to meet, or there is no common secret; `RING_TIMEOUT`, `RING_CONNECT`,
 *   `RING_HANDSHAKE`: the ranks do not meet
 */
export async function meet(options: ConfigOptions, generation: number, env = process.env): Promise<Meeting> {
  const place = placeOf(options, env);
  if (place === undefined) return { options, [Symbol.asyncDispose]: () => Promise.resolve() };
  const at = whereToMeet(options, env, place);
  const alone = { rank: 0, size: 1, localRank: 0, localSize: 1, crossRank: 0, crossSize: 1 };
  const { startTimeoutMs, encrypt } = readConfig({ ...options, ...alone }, env);
  const deadline = performance.now() + startTimeoutMs;
  const server = place.rank === 0 ? await serve(at, { options, env, generation, encrypt }) : undefined;
  try {
    const { client, note } = await findStore(at, place, {
      options,
      env,
      generation,
      encrypt,
      deadline,
      own: server?.note,
    });
    try {
      const met = await exchange(client, place, generation, Math.max(1, deadline - performance.now()));
      const host = options.host ?? env['TSRING_HOST'] ?? (await addressOf(place, met, client, note));
      return {
        options: {
          ...options,
          ...{ rank: place.rank, size: place.size, ...localPlaces(place.rank, met) },
          ...{ store: hostPort(note.hosts[0]!, note.port), host, jobId: note.jobId, secret: note.secret },
        },
        [Symbol.asyncDispose]: async () => server?.close(),
      };
    } finally {
      client.close();
    }
  } catch (error) {
    await server?.close();
    throw error;
  }
}

/** Undefined where there is nothing to find out: tsrun has told all, or this process is alone. */
function placeOf(options: ConfigOptions, env: NodeJS.ProcessEnv): SchedulerPlace | undefined {
  if (options.store !== undefined || env['TSRING_STORE'] !== undefined) return undefined;
  const hasRank = options.rank !== undefined || env['TSRING_RANK'] !== undefined;
  if (!hasRank) return options.size === undefined ? schedulerPlace(env) : undefined;
  if (options.rendezvous === undefined && env['TSRING_RENDEZVOUS'] === undefined) return undefined;
  const rank = options.rank ?? Number(env['TSRING_RANK']);
  const size = options.size ?? Number(env['TSRING_SIZE']);
  const isPlace = Number.isInteger(rank) && Number.isInteger(size) && rank >= 0 && rank < size && size > 1;
  return isPlace ? { startedBy: 'TSRING_RANK', rank, size } : undefined; // what is wrong readConfig says better
}

type Where =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'file'; readonly file: string };

function whereToMeet(options: ConfigOptions, env: NodeJS.ProcessEnv, place: SchedulerPlace): Where {
  const text = options.rendezvous ?? env['TSRING_RENDEZVOUS'] ?? place.rendezvous;
  if (text !== undefined) {
    const tcp = /^tcp:\/\/(.+)$/.exec(text)?.[1];
    if (tcp !== undefined) return { kind: 'tcp', ...settings.store.schema.parse(tcp) };
    return { kind: 'file', file: fileURLToPath(text) };
  }
  const { jobKey, localSize, size, startedBy } = place;
  if (jobKey !== undefined && localSize === size) {
    const name = createHash('sha256').update(jobKey).digest('hex').slice(0, 16);
    return { kind: 'file', file: path.join(tmpdir(), `tsring-${process.getuid?.() ?? 0}-${name}`) };
  }
  throw new RingError(
    'RING_CONFIG',
    `${startedBy} started ${size} ranks, and nothing says where they meet: set TSRING_RENDEZVOUS to file:///a/folder/of/all/hosts/NAME, ` +
      'or to tcp://HOST_OF_RANK_0:PORT with a TSRING_SECRET_FILE; or start the script with tsrun',
  );
}

/** Rank 0's store, and the note that leads to it. */
async function serve(at: Where, { options, env, generation, encrypt }: Asked) {
  const job =
    at.kind === 'tcp' ? tcpJob(at, options, env) : { jobId: randomUUID(), secret: Buffer.from(randomBytes(32)) };
  const store = await StoreServer.listen({ ...job, encrypt, ...(at.kind === 'tcp' ? { port: at.port } : {}) });
  const hosts = at.kind === 'tcp' ? [at.host] : ownAddresses();
  const note: MeetingNote = {
    generation,
    jobId: job.jobId,
    secret: job.secret.toString('hex'),
    hosts,
    port: store.port,
  };
  const close = async () => {
    if (at.kind === 'file') removeNote(at.file, note);
    await store.close();
  };
  try {
    if (at.kind === 'file') writeNote(at.file, note);
  } catch (error) {
    await close();
    throw error;
  }
  return { note, close };
}

function tcpJob(at: { host: string; port: number }, options: ConfigOptions, env: NodeJS.ProcessEnv) {
  const secret = readSecret(options.secret, env);
  if (secret === undefined) {
    throw new RingError(
      'RING_CONFIG',
      `ranks that meet at ${hostPort(at.host, at.port)} need a common secret: set TSRING_SECRET_FILE, a file of 64 hex digits that ` +
        'only you can read, or TSRING_SECRET; or meet at a file, which needs none (TSRING_RENDEZVOUS=file:///...)',
    );
  }
  return { jobId: options.jobId ?? env['TSRING_JOB_ID'] ?? hostPort(at.host, at.port), secret };
}

interface Asked {
  readonly options: ConfigOptions;
  readonly env: NodeJS.ProcessEnv;
  readonly generation: number;
  readonly encrypt: boolean;
}

interface Search extends Asked {
  readonly deadline: number;
  /** Rank 0 knows without looking. */
  readonly own: MeetingNote | undefined;
}

/** Rank 0 may come later than we, and a file may be an earlier job's: tried until the deadline. */
async function findStore(
  at: Where,
  { rank }: SchedulerPlace,
  search: Search,
): Promise<{ client: StoreClient; note: MeetingNote }> {
  const { options, env, generation, encrypt, deadline, own } = search;
  const leftMs = () => Math.max(1, Math.ceil(deadline - performance.now()));
  if (at.kind === 'tcp') {
    const { jobId, secret } = tcpJob(at, options, env);
    const to = { host: at.host, port: at.port, jobId, secret, encrypt, rank, generation };
    const client = await StoreClient.connect({ ...to, timeoutMs: leftMs(), awaitServer: true });
    return { client, note: { generation, jobId, secret: secret.toString('hex'), hosts: [at.host], port: at.port } };
  }
  for (let last: unknown; ;) {
    const note = own ?? readNote(at.file);
    for (const host of note?.generation === generation ? note.hosts : []) {
      try {
        const to = {
          host,
          port: note!.port,
          jobId: note!.jobId,
          secret: Buffer.from(note!.secret, 'hex'),
          encrypt,
          rank,
          generation,
        };
        const client = await StoreClient.connect({ ...to, timeoutMs: Math.min(leftMs(), candidateMs) });
        return { client, note: { ...note!, hosts: [host] } };
      } catch (error) {
        last = error;
      }
    }
    if (performance.now() >= deadline) throw nobodyThere(at.file, note, last);
    await delay(30 + 50 * Math.random());
  }
}

/** For one of rank 0's addresses to answer: a wrong one may say nothing. */
const candidateMs = 3000;

function nobodyThere(file: string, note: MeetingNote | undefined, cause: unknown): RingError {
  const answer = cause instanceof Error ? cause.message : 'it is of an earlier job';
  const seen = note === undefined ? 'rank 0 has not written it' : `what it leads to does not answer: ${answer}`;
  return new RingError('RING_TIMEOUT', `init: no ranks met at ${file} in time; ${seen}`, { cause });
}

/** What ranks must know of each other before they listen. */
interface Met {
  readonly hostId: string;
  /** Where this rank found rank 0. */
  readonly found: string;
}

async function exchange(
  client: StoreClient,
  place: SchedulerPlace,
  generation: number,
  timeoutMs: number,
): Promise<Met[]> {
  const keys = Array.from({ length: place.size }, (_, rank) => `meet/${generation}/${rank}`);
  const own: Met = { hostId: hostId(), found: client.remoteAddress };
  await client.set(keys[place.rank]!, JSON.stringify(own));
  try {
    return (await client.waitAll(keys, timeoutMs)).map((text) => JSON.parse(text) as Met);
  } catch (error) {
    if (!(error instanceof RingError) || error.code !== 'RING_TIMEOUT') throw error;
    const missing = keys.flatMap((key, rank) => (error.message.split(/[ ,]+/).includes(key) ? [rank] : []));
    const who = missing.length === 1 ? `rank ${missing.join()}` : `ranks ${missing.join(', ')}`;
    throw new RingError(
      'RING_TIMEOUT',
      `init: ${who} of ${place.size} did not come within the start timeout; every rank must call init`,
      {
        cause: error,
      },
    );
  }
}

/** Ranks of one host count each other; so do hosts that have a rank with this local rank. */
function localPlaces(rank: number, met: readonly Met[]) {
  const localRankOf = (one: number) => met.slice(0, one).filter((other) => other.hostId === met[one]!.hostId).length;
  const localRank = localRankOf(rank);
  const across = [...met.keys()].filter((one) => localRankOf(one) === localRank);
  return {
    localRank,
    localSize: met.filter((other) => other.hostId === met[rank]!.hostId).length,
    crossRank: across.indexOf(rank),
    crossSize: across.length,
  };
}

/** Rank 0 listens where the others have found it, the others where their way to it begins. */
async function addressOf(
  { rank }: SchedulerPlace,
  met: readonly Met[],
  client: StoreClient,
  note: MeetingNote,
): Promise<string> {
  if (new Set(met.map((one) => one.hostId)).size === 1) return '127.0.0.1';
  if (rank !== 0) return ownAddress(client.localAddress, note.hosts[0]!);
  const elsewhere = met.filter((one) => one.hostId !== met[0]!.hostId);
  return elsewhere[0]!.found;
}

/** Loopback comes last: it serves where there is no network, and leads others astray. */
function ownAddresses(): string[] {
  const outer = Object.values(networkInterfaces())
    .flat()
    .filter((one) => one !== undefined && !one.internal && !/^fe80:/i.test(one.address))
    .sort((a, b) => (a!.family === b!.family ? 0 : a!.family === 'IPv4' ? -1 : 1))
    .map((one) => one!.address);
  return [...outer, '127.0.0.1'];
}

function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
