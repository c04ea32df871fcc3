import { fileURLToPath } from 'node:url';

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

/** As one would type it. */
export function shellLine(command: readonly string[]): string {
  return command.map(quoted).join(' ');
}

function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
