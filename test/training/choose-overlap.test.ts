import assert from 'node:assert/strict';
import { placesOf } from '../../lib/places.js';
import { chooseOverlap } from '../../lib/training/choose-overlap.js';

/** The choice of ranks on one host, or on those given, that may run on these processors. */
function choice(processors: readonly string[], hosts: readonly string[] = processors.map(() => 'one')) {
  const places = placesOf(processors.map((list, rank) => ({ hostId: hosts[rank]!, processors: list })));
  return { processors: places.map((place) => place.processors), overlap: chooseOverlap(places).overlap };
}

describe('overlap, where nobody says', () => {
  it('counts a processor that several ranks may run on in equal parts', () => {
    assert.deepEqual(choice(['0-5', '0-5', '0-5']).processors, [2, 2, 2]);
    assert.deepEqual(choice(['0-3', '0-1', '8']).processors, [3, 1, 1]);
    assert.deepEqual(choice(['0', '0'], ['one', 'other']).processors, [1, 1]);
  });

  it('is off on one host where the first rank has not two processors for itself', () => {
    assert.equal(choice(['0', '1']).overlap, false, 'bound to one each');
    assert.equal(choice(['0-1', '0-1']).overlap, false, 'two for two');
    assert.equal(choice(['0-4', '0-4', '0-4']).overlap, false, 'five for three');
    assert.equal(choice(['0', '1-7']).overlap, false, 'the first rank decides');
  });

  it('is on where it has, and across hosts', () => {
    assert.equal(choice(['0-1', '2-3']).overlap, true, 'bound to two each');
    assert.equal(choice(['0-5', '0-5', '0-5']).overlap, true, 'six for three');
    assert.equal(choice(['0', '1', '0'], ['one', 'one', 'other']).overlap, true);
  });
});
