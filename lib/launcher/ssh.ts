import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { AgentLink } from './agent-link.js';

export interface SshOptions {
  readonly port?: number;
  readonly identityFile?: string;
}

/**
 * The command that starts our agent on `host`: the system's ssh, with the user's own configuration and keys. Nothing of the job is in it;
 * the agent has its orders from standard input. The same paths are expected on every host.
 */
export function sshCommand(host: string, { port, identityFile }: SshOptions, connectTimeoutMs: number): string[] {
  const agent = [process.execPath, fileURLToPath(new URL('agent.js', import.meta.url))];
  return [
    'ssh',
    ...['-T', '-x', '-a'],
    ...['-o', 'BatchMode=yes'], // there is nobody to answer a question
    ...['-o', 'ControlMaster=no'], // a connection of ours ends with the job
    ...['-o', `ConnectTimeout=${Math.max(1, Math.ceil(connectTimeoutMs / 1000))}`],
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(identityFile === undefined ? [] : ['-i', identityFile]),
    host,
    `exec ${agent.map(quoted).join(' ')}`,
  ];
}

/** Starts the agent on `host`. Never throws: what fails ends the link. */
export function sshLink(host: string, options: SshOptions, connectTimeoutMs: number): AgentLink {
  const command = sshCommand(host, options, connectTimeoutMs);
  // Away from the terminal: a Ctrl-C is for tsrun, which then asks the agent to stop the ranks.
  const ssh = spawn(command[0]!, command.slice(1), { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  ssh.stdin.on('error', () => undefined); // ssh has ended, which its 'close' tells
  let hasAnswered = false;
  ssh.stdout.once('data', () => (hasAnswered = true)); // nothing flows before who called us listens, too
  return {
    fromAgent: ssh.stdout,
    toAgent: ssh.stdin,
    complaints: ssh.stderr,
    origin: `the command: ${shellLine(command)}`,
    ended: new Promise((resolve) => {
      ssh.once('error', (error) => resolve(error.message));
      // Not at its exit: what it said last may still be in the pipe.
      ssh.once('close', (code, signal) => resolve(describeEnd(code, signal, hasAnswered)));
    }),
    kill: () => ssh.kill('SIGKILL'),
    unref: () => ssh.unref(),
  };
}

/** ssh ends with the code of what it ran, and with 255 where the connection fails, or a signal ended what it ran. */
function describeEnd(code: number | null, signal: NodeJS.Signals | null, hasAnswered: boolean): string {
  const end = `ssh ended with ${signal ?? code ?? 'an error'}`;
  if (code === 255 && hasAnswered) return `${end}, as the connection broke, or the agent there was killed`;
  if (!hasAnswered && code !== null && code !== 0 && code !== 255)
    return `${end}, as its command failed; node and tsring are needed at the same paths on every host`;
  return end;
}

/** As one would type it. */
export function shellLine(command: readonly string[]): string {
  return command.map(quoted).join(' ');
}

function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
