// Writes docs/settings.md from the one table of settings: node --import tsx scripts/settings-page.ts
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { flagOf, settingNames, settings, variableOf, type SettingName, type UserSettingName } from '../lib/settings.js';

const file = fileURLToPath(new URL('../docs/settings.md', import.meta.url));
if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(file, await settingsPage());

/** The page as it should be, formatted. */
export async function settingsPage(): Promise<string> {
  const users = settingNames.filter((name): name is UserSettingName => settings[name].setBy === 'user');
  const places = settingNames.filter((name) => settings[name].setBy === 'tsrun');
  const page = `# Settings

Made from [\`lib/settings.ts\`](../lib/settings.ts) by \`scripts/settings-page.ts\`; a test keeps them equal.

Each setting has one name in three spellings: the option of \`init\`, the variable and the flag of \`tsrun\`, which sets the variable for all
ranks. An option wins over the variable, the variable over the default. What is not allowed is an error that says what is.

${table(
  ['option of `init`', 'variable', 'flag', 'default', 'allowed', 'what it does'],
  users.map((name) => [
    code(name),
    code(variableOf(name)),
    code(flagOf(name)),
    shownDefault(name),
    settings[name].allowed,
    settings[name].description,
  ]),
)}

These say where a rank stands. \`tsrun\` sets them; set them yourself to start ranks by other means. The job's secret belongs to them:
\`secret\`, or \`TSRING_SECRET_FD\`, \`TSRING_SECRET_FILE\` or \`TSRING_SECRET\` ([security](security.md)).

${table(
  ['option of `init`', 'variable', 'allowed', 'what it is'],
  places.map((name) => [code(name), code(variableOf(name)), settings[name].allowed, settings[name].description]),
)}

Two more are read outside of \`init\`: \`TSRING_ADDON\`, a file to load the addon from, and \`TSRING_CACHE\`, where
\`tsring-setup-tensorflow\` keeps downloads.
`;
  return format(page, { ...(await resolveConfig(file)), parser: 'markdown' });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

function shownDefault(name: SettingName): string {
  const value: string | number | boolean | undefined = settings[name].default;
  return value === undefined ? '' : code(String(value));
}
