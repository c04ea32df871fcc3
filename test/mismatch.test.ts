import assert from 'node:assert/strict';
import { tsrun } from './helpers/tsrun.js';
import type { Caught } from './scripts/report.js';

describe('ranks that disagree', () => {
  let results: { errors: Record<string, Caught>; sumAfterwards: number }[];
  before(async () => {
    const { ranks } = await tsrun({ np: 3, script: 'scripts/mismatch.ts', timeoutMs: 30_000 });
    results = ranks.map(({ result }) => result as (typeof results)[number]);
  });

  const expected: [name: string, message: RegExp][] = [
    ['shape', /"shape".*rank 2.*11.*rank 0.*10|"shape".*rank 0.*10.*rank 2.*11/],
    ['dtype', /"dtype".*float64/],
    ['op', /"op".*sum/],
    ['root', /"root".*2/],
    ['kind', /"kind".*allgather/],
    ['number in a group', /"group"/],
    ['dtype of a gather', /"gather".*int32/],
    ['shape, blocking', /"blocking"/],
  ];
  for (const [name, message] of expected) {
    it(`get the same error about ${name}, which names the tensor and both sides`, () => {
      const errors = results.map((result) => result.errors[name]!);
      for (const error of errors) {
        assert.equal(error.code, 'RING_MISMATCH', error.message);
        assert.match(error.message, message);
        assert.match(error.message, /rank 2/);
        assert.equal(error.message, errors[0]!.message);
      }
    });
  }

  it('hear of a name that is used twice at once', () => {
    for (const { errors } of results.slice(0, 2)) {
      assert.equal(errors['duplicate']!.code, 'RING_DUPLICATE_NAME');
      assert.match(errors['duplicate']!.message, /"twice"/);
    }
  });

  it('can go on in the same ring', () => {
    assert.deepEqual(
      results.map((result) => result.sumAfterwards),
      [3, 3, 3],
    );
  });
});
