import type { Option } from 'commander';

/** Flags that mpirun, horovodrun and torchrun know under another name. */
const aliases: Readonly<Record<string, string>> = {
  np: 'num-proc',
  host: 'hosts',
  machinefile: 'hostfile',
  npernode: 'nproc-per-node',
  'network-interface': 'network-interfaces',
  'config-file': 'config',
  'timeline-filename': 'timeline',
  'timestamp-output': 'timestamp',
  'prefix-timestamp': 'timestamp',
  'prefix-output-with-timestamp': 'timestamp',
  'report-bindings': 'verbose',
  'rdzv-id': 'job-id',
  gmca: 'mca',
  p: 'ssh-port',
  i: 'ssh-identity-file',
};

/**
 * Rewrites tsrun's own flags, and none of the script's, into the spelling that the parser knows: mpirun's single-dash
 * `-np 4` and `-np=4` become `--num-proc 4` and `--num-proc=4`, its `-mca key value` becomes `--mca key=value`, torchrun's underscores
 * become dashes, and `-n=4` becomes `-n 4`.
 */
export function normalizeFlags(options: readonly Option[], argv: readonly string[]): string[] {
  const normal: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? '';
    if (!argument.startsWith('-') || argument === '-' || argument === '--') return [...normal, ...argv.slice(index)];
    const flags = normalizeFlag(options, argument);
    normal.push(...flags);
    if (flags.length > 1 || flags[0]?.includes('=')) continue;
    if (flags[0] === '--mca' && index + 2 < argv.length) {
      normal.push(`${argv[index + 1] ?? ''}=${argv[index + 2] ?? ''}`);
      index += 2;
      continue;
    }
    const option = options.find(({ short, long }) => flags[0] === short || flags[0] === long);
    if (option?.required && index + 1 < argv.length) normal.push(argv[++index] ?? '');
  }
  return normal;
}

function normalizeFlag(options: readonly Option[], flag: string): string[] {
  const [, dashes, spelled = '', value] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(flag) ?? [];
  const name = spelled.replaceAll('_', '-');
  const long = `--${aliases[name] ?? name}`;
  if ((name.length > 1 || aliases[name] !== undefined) && options.some((option) => option.long === long)) {
    return [value === undefined ? long : `${long}=${value}`];
  }
  const isShort = dashes === '-' && options.some((option) => option.short === `-${name}`);
  return isShort && value !== undefined ? [`-${name}`, value] : [flag];
}
