import { once } from 'node:events';
import { hostname } from 'node:os';
import { createInterface } from 'node:readline';
import { connect, type TLSSocket } from 'node:tls';
import type { WayToTsrun } from '../called-by-ssh.js';
import type { Invitation } from './invitation.js';
import { pskOptions } from './psk.js';

/** For one of tsrun's addresses to answer: a wrong interface often does not answer at all. */
const connectTimeoutMs = 4000;

/**
 * An agent's call to tsrun, from a task in a cluster that has written an invitation to our standard input. What comes after it there is
 * the task's death, which ends the call. Ends the process, with the reason on standard error, where tsrun cannot be reached.
 */
export async function callTsrun(): Promise<WayToTsrun> {
  process.stderr.on('error', () => undefined); // the task is gone, which its end of our input shows
  const lines = createInterface({ input: process.stdin });
  const [line] = (await once(lines, 'line')) as [string];
  const invitation = JSON.parse(line) as Invitation;
  const { gpus } = invitation.share;
  if (gpus.length > 0) process.env['CUDA_VISIBLE_DEVICES'] = gpus.join(',');
  try {
    const socket = await firstToAnswer(invitation);
    lines.once('close', () => socket.destroy());
    return {
      input: socket,
      output: socket,
      route: { from: plain(socket.remoteAddress), to: plain(socket.localAddress) },
      share: invitation.share,
      hangUp: () => socket.end(),
    };
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

async function firstToAnswer({ addresses, port, key, task }: Invitation): Promise<TLSSocket> {
  const failures: string[] = [];
  for (const host of addresses) {
    const socket = connect({
      ...pskOptions,
      host,
      port,
      pskCallback: () => ({ psk: Buffer.from(key, 'hex'), identity: `${task}@${hostname()}` }),
      checkServerIdentity: () => undefined, // it has the key
    });
    try {
      await once(socket, 'secureConnect', { signal: AbortSignal.timeout(connectTimeoutMs) });
      return socket.setNoDelay();
    } catch (error) {
      socket.on('error', () => undefined).destroy();
      failures.push(`${host}:${port}: ${reasonOf(error as NodeJS.ErrnoException)}`);
    }
  }
  const tried = failures.join(', ');
  throw new Error(
    `it cannot reach tsrun (${tried}); check firewalls, or name an interface of tsrun's host with --network-interfaces`,
  );
}

function reasonOf({ name, code, message }: NodeJS.ErrnoException): string {
  return name === 'AbortError' ? `no answer within ${connectTimeoutMs} ms` : (code ?? message);
}

/** Of a socket that takes both families. */
function plain(address = ''): string {
  return address.replace(/^::ffff:/, '');
}
