import assert from 'node:assert/strict';
import { parseArguments } from '../../../lib/launcher/arguments.js';

describe('flags of tsrun about clusters', () => {
  const parse = (line: string) => parseArguments([...line.split(' '), 'train.js']);
  const clusterOf = (line: string) => {
    const command = parse(line);
    assert(command.kind === 'launch');
    return command.options.cluster;
  };

  it('name the cluster and its settings', () => {
    assert.equal(clusterOf('-np 2'), undefined);
    assert.deepEqual(clusterOf('-np 2 --spark yarn --spark-conf a.b=c=d --spark-conf=e.f=1,2'), {
      engine: 'spark',
      address: 'yarn',
      settings: { 'a.b': 'c=d', 'e.f': '1,2' },
    });
    assert.deepEqual(clusterOf('-np 2 --ray auto --ray-resources CPU=4,GPU=0.5'), {
      engine: 'ray',
      address: 'auto',
      settings: { CPU: '4', GPU: '0.5' },
    });
  });

  it('refuse what contradicts them', () => {
    const refused: [line: string, why: RegExp][] = [
      ['--spark yarn', /--spark needs -np/],
      ['-np 2 --spark yarn --ray auto', /--spark and --ray both say where/],
      ['-np 2 --spark yarn -H a,b', /--hosts does not go with --spark/],
      ['-np 2 --ray auto --bind-to core', /--bind-to does not go with --ray/],
      ['-np 2 --spark-conf a=b', /--spark-conf goes with --spark/],
      ['-np 2 --ray-resources CPU=2', /--ray-resources goes with --ray/],
      ['-np 2 --spark yarn --spark-conf ab', /name=value is needed/],
      ['-np 2 --ray auto --ray-resources CPU', /NAME=COUNT/],
      ['-np 2 --spark yarn --dry-run', /--dry-run cannot tell/],
    ];
    for (const [line, why] of refused) assert.throws(() => parse(line), why, line);
  });
});
