import { InvalidArgumentError, Option } from 'commander';
import { flagOf, settings, userSettingNames, variableOf, type UserSettingName } from '../settings.js';

/** One flag for each setting of a rank: the option of `init` in kebab case. */
export function settingOptions(): Option[] {
  return userSettingNames.map((name) => {
    const { description, isSwitch } = settings[name];
    const flag = isSwitch ? flagOf(name) : `${flagOf(name)} ${placeholder(name)}`;
    const option = new Option(flag, plain(description)).helpGroup('Settings of the ranks (docs/settings.md):');
    return isSwitch ? option : option.argParser(checked(name));
  });
}

/** The variables that the given flags stand for; `flags` as commander names them, which is as `init` does. */
export function settingVariables(flags: Readonly<Record<string, unknown>>): Record<string, string> {
  const given = userSettingNames.filter((name) => flags[name] !== undefined);
  return Object.fromEntries(given.map((name) => [variableOf(name), String(flags[name])]));
}

/** The text itself, once the ranks are known to take it: a wrong one should fail here, not on every rank. */
function checked(name: UserSettingName): (text: string) => string {
  const { schema, fromText, allowed } = settings[name];
  return (text) => {
    if (schema.safeParse(fromText(text)).success) return text;
    throw new InvalidArgumentError(`allowed: ${allowed}`);
  };
}

function placeholder(name: UserSettingName): string {
  const unit = /(Ms|Seconds|Bytes|File|Dir)$/.exec(name)?.[1];
  return `<${unit?.toLowerCase() ?? 'value'}>`;
}

/** Without the marks of the page. */
function plain(description: string): string {
  return description.replaceAll('`', '');
}
