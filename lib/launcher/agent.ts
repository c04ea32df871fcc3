import { existsSync, statSync } from 'node:fs';
import { RingError } from '../errors.js';
import { encodeFrame, FrameReader } from '../net/frames.js';
import {
  type AgentCalls,
  agentGreeting,
  type FromAgent,
  type Orders,
  type StreamName,
  type ToAgent,
} from './agent-messages.js';
import { hostFacts } from './host-facts.js';
import type { RankProcess, RankStart } from './job-host.js';
import { calledBySsh } from './called-by-ssh.js';
import { callTsrun } from './cluster/call-tsrun.js';
import { LocalHost } from './local-host.js';
import { OutputPump } from './output-pump.js';
import { createSecret } from './secret.js';

/*
 * The program that tsrun starts by ssh, once on each other host, or that a task in a cluster starts (cluster/cluster-driver.py). It is
 * tsrun's hand there: it starts ranks, passes on what they print, and ends them when it is told to, and as well when tsrun's end of the
 * connection closes or falls silent, or the task is gone.
 */

const pumps = new Map<string, OutputPump>();
const hurry = new AbortController();
let orders: Orders | undefined;
let host: LocalHost | undefined;
let silence: NodeJS.Timeout | undefined;
let leaving = false;

for (const signal of ['SIGINT', 'SIGHUP', 'SIGPIPE'] as const) process.on(signal, () => undefined); // the end of input decides
process.once('SIGTERM', () => void leave());
const { input, output, route, share, hangUp } = process.argv.includes('--invited') ? await callTsrun() : calledBySsh();
output.on('error', () => void leave());
output.write(`${agentGreeting}\n`);

const reader = new FrameReader();
input.on('data', (chunk: Buffer) => {
  listen();
  for (const message of reader.push(chunk)) void receive(message as ToAgent);
});
for (const end of ['end', 'error', 'close']) input.once(end, () => void leave());

async function receive(message: ToAgent): Promise<void> {
  if (message.kind === 'hurry') hurry.abort();
  if (message.kind === 'endProbes') host?.endProbes();
  if (message.kind === 'taken') pumps.get(`${message.rank} ${message.stream}`)?.taken(message.bytes);
  if (message.kind === 'call') await carryOut(message);
}

async function carryOut({ id, call, ask }: Extract<ToAgent, { kind: 'call' }>): Promise<void> {
  try {
    send({ kind: 'answer', id, answer: await calls[call](ask as never) });
  } catch (error) {
    const code = error instanceof RingError ? error.code : 'RING_INTERNAL';
    send({ kind: 'refusal', id, code, message: error instanceof Error ? error.message : String(error) });
  }
}

const calls: { [C in keyof AgentCalls]: (ask: AgentCalls[C]['ask']) => Promise<AgentCalls[C]['answer']> } = {
  begin,
  listenForProbes: async () => {
    const { port, word } = await begun().listenForProbes();
    return { port, word };
  },
  probe: ({ targets, timeoutMs }) => begun().probe(targets, timeoutMs),
  start,
  stop: (how) => begun().stop({ ...how, hurry: hurry.signal }),
};

function begin(given: Orders): Promise<AgentCalls['begin']['answer']> {
  orders = given;
  if (!statSync(given.cwd, { throwIfNoEntry: false })?.isDirectory()) {
    throw new RingError('RING_LAUNCH', `there is no folder ${given.cwd}; the same paths are needed on every host`);
  }
  if (given.script !== undefined && !existsSync(given.script))
    throw new RingError('RING_LAUNCH', `there is no script ${given.script}; the same paths are needed on every host`);
  const facts = { ...hostFacts({ ...process.env, ...given.environment }, route), ...(share && { share }) };
  const secret = createSecret(Buffer.from(given.secret, 'hex'));
  host = new LocalHost(given.name, facts, { secret, sharesInput: false });
  void host.lost.then(({ message }) => send({ kind: 'lost', message }));
  setInterval(() => send({ kind: 'alive' }), given.silenceMs / 4);
  listen();
  return Promise.resolve(facts);
}

async function start(ask: RankStart): Promise<{ pid: number }> {
  const environment = { ...process.env, ...ask.environment };
  const { ranks, failure } = await begun().start([{ ...ask, environment }]);
  const [rank] = ranks;
  if (rank === undefined) throw failure ?? new RingError('RING_INTERNAL', 'a rank was neither started nor refused');
  forward(rank);
  return { pid: rank.pid };
}

function forward({ placement: { rank }, exited, ...streams }: RankProcess): void {
  for (const stream of ['stdout', 'stderr'] satisfies StreamName[]) {
    const say = (data: Buffer) => send({ kind: 'output', rank, stream, data: data.toString('base64') });
    pumps.set(`${rank} ${stream}`, new OutputPump(streams[stream], say));
  }
  void exited.then((exit) => send({ kind: 'exit', exit }));
}

function begun(): LocalHost {
  if (host === undefined) throw new RingError('RING_INTERNAL', 'the agent has no orders yet');
  return host;
}

/** We have heard from tsrun: it has the whole time again. */
function listen(): void {
  clearTimeout(silence);
  if (orders !== undefined) silence = setTimeout(() => void leave(), orders.silenceMs);
}

function send(message: FromAgent): void {
  if (!leaving) output.write(encodeFrame(message));
}

/** Nobody is there any more to tell us to stop the ranks. */
async function leave(): Promise<never> {
  if (leaving) return new Promise<never>(() => undefined);
  leaving = true;
  hangUp();
  if (host !== undefined) {
    await host.stop({ signal: 'SIGTERM', graceMs: orders?.graceMs ?? 0, hurry: hurry.signal });
    await host.close();
  }
  process.exit();
}
