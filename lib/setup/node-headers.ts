import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { runCommand } from './command.js';
import { SetupFailure } from './failure.js';
import { exists } from './cache.js';

/** The folder with node_api.h. @throws {SetupFailure} naming the places where it was looked for */
export async function nodeHeaders(): Promise<string> {
  const { stdout } = await runCommand('npm', ['config', 'get', 'nodedir'], { timeoutMs: 60_000 });
  const nodedir = process.env['npm_config_nodedir'] ?? stdout.trim();
  const roots = [
    resolve(process.execPath, '../..'),
    ...(nodedir && nodedir !== 'undefined' && nodedir !== 'null' ? [nodedir] : []),
    join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'node-gyp', process.versions.node),
  ];
  for (const root of roots) {
    const folder = join(root, 'include', 'node');
    if (await exists(join(folder, 'node_api.h'))) return folder;
  }
  throw new SetupFailure(`no node_api.h in ${roots.join(', ')}; "npx node-gyp install" fetches Node's headers`);
}
