import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hostClass, type Measurement, readCosts, usualFile, writeMeasurement } from '../../lib/tuning/file.js';
import { ringError } from '../helpers/ring-error.js';

const cost = { stepNanoseconds: 1, bytePicoseconds: 2 };
const measured: Measurement = {
  ranks: 4,
  time: '2026-01-01T00:00:00.000Z',
  costs: {
    ring: cost,
    'recursive-doubling': cost,
    'halving-doubling': { stepNanoseconds: 3, bytePicoseconds: 4 },
    everyone: cost,
    parts: cost,
    combinePicoseconds: 5,
  },
};

describe('tuning file', () => {
  let folder: string;
  let file: string;
  const write = (content: unknown) =>
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tsring-tuning-'));
    file = path.join(folder, 'below', 'tuning.json');
    writeMeasurement(measured, file);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('gives back what was written for this kind of host', () => {
    assert.deepEqual(readCosts(file), { costs: measured.costs, file });
  });

  it('keeps what other kinds of hosts have there', () => {
    write({ version: 1, hosts: { 'another machine': measured, [hostClass()]: { ...measured, ranks: 8 } } });
    writeMeasurement(measured, file);
    const { hosts } = JSON.parse(readFileSync(file, 'utf8')) as { hosts: Record<string, Measurement> };
    assert.deepEqual(hosts, { 'another machine': measured, [hostClass()]: measured });
  });

  it('knows nothing of a kind of host that was not measured', () => {
    write({ version: 1, hosts: { 'another machine': measured } });
    assert.equal(readCosts(file), undefined);
  });

  it('need not be there, unless it was named', () => {
    const before = process.env['XDG_CONFIG_HOME'];
    process.env['XDG_CONFIG_HOME'] = folder;
    try {
      assert.equal(usualFile(), path.join(folder, 'tsring', 'tuning.json'));
      assert.equal(readCosts(), undefined);
    } finally {
      if (before === undefined) delete process.env['XDG_CONFIG_HOME'];
      else process.env['XDG_CONFIG_HOME'] = before;
    }
    assert.throws(() => readCosts(path.join(folder, 'missing')), ringError('RING_CONFIG', /tuning file .*missing/));
    assert.equal(readCosts('none'), undefined);
  });

  for (const [what, content] of Object.entries({
    'no JSON': '{"version": 1,',
    'another version': { version: 2, hosts: {} },
    'a cost below nothing': {
      version: 1,
      hosts: { x: { ...measured, costs: { ...measured.costs, combinePicoseconds: -1 } } },
    },
    'an algorithm too few': { version: 1, hosts: { x: { ...measured, costs: { ring: cost, combinePicoseconds: 1 } } } },
  })) {
    it(`that is malformed is refused by name, and written anew: ${what}`, () => {
      write(content);
      assert.throws(() => readCosts(file), ringError('RING_CONFIG', /below.tuning\.json is malformed: .*tsrun --tune/));
      writeMeasurement(measured, file);
      assert.deepEqual(readCosts(file)?.costs, measured.costs);
    });
  }
});
