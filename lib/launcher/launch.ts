import { constants } from 'node:os';
import { readSecret } from '../secret.js';
import { Interrupts, type StopSignal } from './interrupts.js';
import type { JobHost, RankProcess } from './job-host.js';
import type { LaunchOptions } from './launch-options.js';
import { OutputForwarder } from './output-forwarder.js';
import { prepareJob } from './prepare-job.js';
import type { PreparedJob } from './prepared-job.js';
import { placementTable, settingsLine, unevenNotice } from './report.js';
import { createSecret } from './secret.js';
import { Sink } from './sink.js';
import { describeEnd, exitCodeOf, type JobEnd, watch } from './supervise.js';

export interface LaunchResult {
  /** 0 only if every rank ended with 0. */
  readonly exitCode: number;
  /** One line: what came first and made the job fail. Absent if it did not. */
  readonly summary?: string;
  /** What ranks have left in the store, if it was ours. */
  readonly values: ReadonlyMap<string, string>;
}

/**
 * Runs a script on several ranks, here and on other hosts, and waits until all of the job's processes are gone and their output is out.
 * A rank that fails is a result, not an exception.
 *
 * @throws RING_INVALID_ARGUMENT: no such script, or ranks that do not fit; RING_LAUNCH, RING_CONNECT, RING_TIMEOUT: a host cannot be used
 *   or the system cannot start the job
 */
export async function launch(options: LaunchOptions): Promise<LaunchResult> {
  const output = new OutputForwarder(
    new Sink(options.stdout ?? process.stdout),
    new Sink(options.stderr ?? process.stderr),
    {
      tagged: options.tagOutput ?? true,
      timestamp: options.timestamp ?? false,
      tee: options.tee ?? false,
      ...(options.outputFolder === undefined ? {} : { folder: options.outputFolder }),
    },
  );
  const interrupts = new Interrupts(options.signals);
  // Several tsruns that make up one job must be given a common secret.
  const secret = createSecret(options.nodes ? readSecret(undefined, process.env) : undefined);
  await output.say(options.notices ?? []);
  try {
    const say = (line: string) => void output.say([line]);
    const job = await Promise.race([prepareJob(options, { secret, say }), interrupts.first]);
    if (typeof job === 'string') return interruptedEarly(job);
    return await runJob(job, options, { interrupts, output });
  } finally {
    secret.close();
    interrupts.close();
  }
}

interface Means {
  readonly interrupts: Interrupts;
  readonly output: OutputForwarder;
}

async function runJob(job: PreparedJob, options: LaunchOptions, { interrupts, output }: Means): Promise<LaunchResult> {
  try {
    const starts = job.shares.flatMap((share) => share.starts).sort((a, b) => a.placement.rank - b.placement.rank);
    await output.open(starts.map(({ placement }) => placement));
    if (options.verbose) {
      const lines = [...placementTable(starts), ...settingsLine(starts), ...unevenNotice(starts)];
      await output.say([`job ${job.jobId}, store at ${job.store}`, ...lines]);
    }
    const { ranks, failure } = await startAll(job);
    for (const rank of ranks) output.forward(rank);

    const { hosts } = job;
    const { timeoutMs } = options;
    const end: JobEnd = failure
      ? { kind: 'broken', error: failure }
      : await watch(ranks, { hosts, interrupts, output, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    const running = ranks.filter((rank) => !rank.hasExited()).length;
    interrupts.stopping();
    const signal = end.kind === 'interrupted' ? end.signal : 'SIGTERM';
    const left = await stopAll(hosts, { signal, graceMs: options.stopGraceMs ?? 5000, hurry: interrupts.hurry });
    await output.finish(interrupts.hurry);
    if (left > 0) await output.say([`${left} processes do not end, even by SIGKILL`]);
    await Promise.all(hosts.map((host) => host.close()));
    const summary = describeEnd(end, running);
    return { exitCode: exitCodeOf(end), values: job.values(), ...(summary === undefined ? {} : { summary }) };
  } catch (error) {
    for (const host of job.hosts) host.abandon(); // whatever has gone wrong here, no rank may be left
    throw error;
  } finally {
    await job.close();
  }
}

/** Starts every rank, or says what the first failed at; then those that did start are to be stopped. */
async function startAll({ shares }: PreparedJob) {
  const started = await Promise.all(shares.map(({ host, starts }) => host.start(starts)));
  const ranks: RankProcess[] = started.flatMap((share) => share.ranks);
  return { ranks, failure: started.find((share) => share.failure !== undefined)?.failure };
}

async function stopAll(hosts: readonly JobHost[], how: Parameters<JobHost['stop']>[0]): Promise<number> {
  const left = await Promise.all(hosts.map((host) => host.stop(how)));
  return left.reduce((sum, count) => sum + count, 0);
}

/** Nothing runs yet; what was begun with hosts ends with our end of the connections. */
function interruptedEarly(signal: StopSignal): LaunchResult {
  return { exitCode: 128 + constants.signals[signal], summary: `stopped by ${signal}`, values: new Map() };
}
