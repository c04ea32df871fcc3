import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArguments } from '../../lib/launcher/arguments.js';
import { readHostfile } from '../../lib/launcher/hosts.js';

describe('files of flags and hosts', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'tsring-config-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const write = (text: string) => {
    const file = path.join(folder, 'f');
    writeFileSync(file, text);
    return file;
  };
  const configured = (text: string, ...argv: string[]) => {
    const command = parseArguments(['--config', write(text), ...argv, 'train.js']);
    assert(command.kind === 'launch');
    return command.options;
  };

  it('a configuration holds any flag, and the command line wins', () => {
    const text = `# the lab
num-proc: 4
hosts: [a:2, "b:2"]
verbose: true
tag-output: false
timeout-ms: 5000
x:
  NAME: a b
  EMPTY: ""
`;
    const options = configured(text, '-np', '3', '-x', 'NAME=c');
    assert.deepEqual([options.np, options.verbose, options.tagOutput], [3, true, false]);
    assert.deepEqual(
      options.hosts?.map(({ host, slots }) => [host, slots]),
      [
        ['a', 2],
        ['b', 2],
      ],
    );
    assert.deepEqual(options.environment, { NAME: 'c', EMPTY: '', TSRING_TIMEOUT_MS: '5000' });
    assert.equal(configured('', '-np', '1').np, 1);
  });

  const mistakes: [text: string, message: RegExp][] = [
    ['num-proc: 4\nhost: [a\n', /f:3: /],
    ['num-proc: 4\n\nnum-prco: 5\n', /f:3: there is no flag 'num-prco'; did you mean num-proc\?$/],
    ['num-proc: many\n', /f:1: num-proc: 'many' is invalid: a whole number from 1 to 1024 is needed$/],
    ['# one\nverbose: 3\n', /f:2: verbose: true or false is needed$/],
    ['hosts: {a: 2}\n', /f:1: hosts: a value is needed$/],
    ['num-proc: 1\nx: NAME\n', /f:2: x: lines of `VARIABLE: value` are needed below it$/],
    ['- a\n', /f:1: lines of `flag: value` are needed$/],
    ['config: other\n', /f:1: there is no flag 'config'$/],
  ];
  for (const [text, message] of mistakes) {
    it(`a mistake is answered with its line: ${JSON.stringify(text)}`, () => {
      assert.throws(() => configured(text, '-np', '1'), { code: 'RING_INVALID_ARGUMENT', message });
    });
  }

  it('a hostfile has slots, max_slots and comments; hosts named again add up', () => {
    const text = '# rack 1\nserver1 slots=4 max_slots=8 # big\n\nserver2:2\nserver3\nserver3\n[fd00::1] slots = 3\n';
    assert.deepEqual(readHostfile(write(text)), [
      { host: 'server1', slots: 4, maxSlots: 8, mentions: 0 },
      { host: 'server2', slots: 2, mentions: 0 },
      { host: 'server3', slots: undefined, mentions: 2 },
      { host: 'fd00::1', slots: 3, mentions: 0 },
    ]);
  });

  for (const [text, message] of [
    ['a slots=4\nb slot=4\n', /f:2: 'slot=4' is not known/],
    ['a slots=0\n', /f:1: slots=0: a number from 1/],
    ['a slots=4 max_slots=2\n', /f:1: max_slots=2 is less than slots=4$/],
    ['-oProxyCommand=x slots=1\n', /f:1: .* is not HOST or HOST:SLOTS$/],
    ['# none\n', /names no host$/],
  ] as const) {
    it(`a hostfile's mistake is answered with its line: ${JSON.stringify(text)}`, () => {
      assert.throws(() => readHostfile(write(text)), { code: 'RING_INVALID_ARGUMENT', message });
    });
  }
});
