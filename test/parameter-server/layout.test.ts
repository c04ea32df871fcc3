import assert from 'node:assert/strict';
import fc from 'fast-check';
import { differenceOf, layoutOf, shareOf } from '../../lib/parameter-server/layout.js';

const shapes = fc.array(fc.array(fc.nat(7), { maxLength: 3 }), { maxLength: 12 });

describe('the layout of variables on parameter servers', () => {
  it('has every element of every variable on one server, and as many bytes on each as can be', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 9 }), (all, servers) => {
        const { offsets, length } = layoutOf(all.map((shape, index) => ({ name: String(index), shape })));
        const sizes = all.map((shape) => shape.reduce((product, size) => product * size, 1));
        sizes.forEach((size, index) => assert.equal(offsets[index]! + size, offsets[index + 1] ?? length));
        const shares = Array.from({ length: servers }, (_, server) => shareOf(length, server, servers));
        assert.equal(shares[0]!.begin, 0);
        shares.forEach((share, server) =>
          assert.equal(share.begin + share.length, shares[server + 1]?.begin ?? length),
        );
        const lengths = shares.map((share) => share.length);
        assert.ok(Math.max(...lengths) - Math.min(...lengths) <= 1);
      }),
    );
  });

  it('tells where two models differ', () => {
    const one = { name: 'dense/kernel', shape: [2, 3] };
    const other = { name: 'dense/kernel', shape: [3, 2] };
    const tell = (ours: (typeof one)[], theirs: (typeof one)[]) => differenceOf(['here', ours], ['there', theirs]);
    assert.equal(tell([one], [one]), undefined);
    assert.equal(
      tell([one, one], [one, other]),
      'variable 1 is "dense/kernel" [2, 3] here and "dense/kernel" [3, 2] there',
    );
    assert.equal(tell([one], [one, other]), 'variable 1 is missing here and "dense/kernel" [3, 2] there');
  });
});
