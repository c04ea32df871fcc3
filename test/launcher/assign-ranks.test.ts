import assert from 'node:assert/strict';
import fc from 'fast-check';
import { assignRanks } from '../../lib/launcher/assign-ranks.js';

describe('assignRanks', () => {
  const hosts = fc
    .array(fc.nat(8), { minLength: 1, maxLength: 6 })
    .map((slots) => slots.map((n, index) => ({ host: `h${index}`, slots: n })));
  const job = hosts.chain((some) =>
    fc.record({ hosts: fc.constant(some), np: fc.nat(some.reduce((sum, { slots }) => sum + slots, 0)) }),
  );

  it('places every rank once, and no more on a host than it has slots', () => {
    fc.assert(
      fc.property(job, ({ hosts, np }) => {
        const placed = assignRanks(hosts, np);
        assert.deepEqual(
          placed.map(({ rank }) => rank),
          [...Array(np).keys()],
        );
        for (const { host, slots } of hosts) {
          const here = placed.filter((placement) => placement.host === host);
          assert(here.length <= slots);
          assert.deepEqual(
            here.map(({ localRank }) => localRank),
            [...Array(here.length).keys()],
          );
          assert(here.every(({ localSize }) => localSize === here.length));
        }
      }),
    );
  });

  it('numbers the ranks with the same local rank across hosts', () => {
    fc.assert(
      fc.property(job, ({ hosts, np }) => {
        const placed = assignRanks(hosts, np);
        for (const localRank of new Set(placed.map((placement) => placement.localRank))) {
          const across = placed.filter((placement) => placement.localRank === localRank);
          assert.deepEqual(
            across.map(({ crossRank }) => crossRank),
            [...Array(across.length).keys()],
          );
          assert(across.every(({ crossSize }) => crossSize === across.length));
        }
      }),
    );
  });

  it('by node: deals ranks out in turn, so that hosts differ by one while they have slots', () => {
    const placed = assignRanks(
      [
        { host: 'a', slots: 3 },
        { host: 'b', slots: 1 },
        { host: 'c', slots: 2 },
      ],
      6,
      { mapBy: 'node' },
    );
    assert.equal(placed.map(({ host }) => host).join(''), 'abcaca');
    assert.deepEqual(
      placed.map(({ localRank, crossRank, crossSize }) => [localRank, crossRank, crossSize].join()),
      ['0,0,3', '0,1,3', '0,2,3', '1,0,2', '1,1,2', '2,0,1'],
    );
  });

  it('oversubscribed: fills the slots first, then up to max_slots in turn', () => {
    const hosts = [
      { host: 'a', slots: 1, maxSlots: 2 },
      { host: 'b', slots: 2 },
    ];
    const counts = (np: number) => {
      const placed = assignRanks(hosts, np, { oversubscribe: true });
      return ['a', 'b'].map((name) => placed.filter(({ host }) => host === name).length);
    };
    assert.deepEqual([3, 4, 5, 7].map(counts), [
      [1, 2],
      [2, 2],
      [2, 3],
      [2, 5],
    ]);
    const full = [{ host: 'a', slots: 1, maxSlots: 2 }];
    assert.throws(() => assignRanks(full, 3, { oversubscribe: true }), { message: /max_slots/ });
  });

  it('refuses more ranks than slots', () => {
    assert.throws(() => assignRanks([{ host: 'a', slots: 2 }], 3), { code: 'RING_INVALID_ARGUMENT' });
  });
});
