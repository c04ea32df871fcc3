import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parseArguments } from '../lib/launcher/arguments.js';
import { readConfig } from '../lib/config.js';
import { flagOf, settings, userSettingNames, variableOf } from '../lib/settings.js';
import { settingsPage } from '../scripts/settings-page.js';

describe('settings', () => {
  it('are all on the page, which is made from them', async () => {
    const page = readFileSync(new URL('../docs/settings.md', import.meta.url), 'utf8');
    const made = await settingsPage();
    assert.ok(
      page === made,
      'docs/settings.md is not what the table makes: node --import tsx scripts/settings-page.ts writes it',
    );
  });

  it('have one name in three spellings', () => {
    assert.equal(variableOf('fusionThresholdBytes'), 'TSRING_FUSION_THRESHOLD_BYTES');
    assert.equal(flagOf('fusionThresholdBytes'), '--fusion-threshold-bytes');
  });

  for (const name of userSettingNames) {
    it(`${name}: a flag of tsrun sets its variable, which init reads`, () => {
      const value = sample(name);
      const words = settings[name].isSwitch ? [flagOf(name)] : [flagOf(name), value];
      const command = parseArguments(['-np', '1', ...words, 'a.js']);
      assert(command.kind === 'launch');
      assert.deepEqual(command.options.environment, { [variableOf(name)]: value });
      assert.equal(`${readConfig({}, command.options.environment)[name] as string | number}`, value);
    });
  }

  it('refuse a wrong value before anything starts', () => {
    assert.throws(() => parseArguments(['-np', '1', '--timeout-ms', '-3', 'a.js']), {
      code: 'RING_INVALID_ARGUMENT',
      message: /'-3' is invalid: allowed: a whole number from 1/,
    });
  });
});

/** A value that is allowed. */
function sample(name: (typeof userSettingNames)[number]): string {
  return ['true', '1', 'tcp', 'ring', 'info', 'cpu', 'host', 'none'].find((text) => {
    const { schema, fromText } = settings[name];
    return schema.safeParse(fromText(text)).success;
  })!;
}
