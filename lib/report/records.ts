import { z } from 'zod';

// What the benchmarks write, as far as it is read again; they check against these types what they write. Times are in the unit that the
// name tells; bytes a second are those of the bus (docs/benchmarks.md).

const positive = z.number().positive();
const share = z.number();
const times = z.array(z.number().nonnegative()).readonly();

const machine = z.object({
  cpu: z.string(),
  cores: z.number(),
  memoryGiB: z.number(),
  system: z.string(),
  node: z.string(),
});

/** When, on what and by which code. */
const origin = {
  /** ISO 8601. */
  time: z.string().optional(),
  commit: z.string().optional(),
  machine: machine.optional(),
};

/** One line of `bench:collectives --json`. */
const collectives = z.object({
  benchmark: z.literal('collectives'),
  ...origin,
  ranks: positive,
  rows: z
    .array(z.object({ bytes: positive, medianSeconds: positive }))
    .min(1)
    .readonly(),
});

/** `collectives.json` of `bench:collectives --peers`. */
const peers = z.object({
  benchmark: z.literal('collectives-peers'),
  ...origin,
  samples: z
    .array(z.object({ system: z.string(), ranks: positive, bytes: positive, medianSeconds: positive }))
    .min(1)
    .readonly(),
});

/** One line of `bench:network --json`: one network. */
const network = z.object({
  benchmark: z.literal('network'),
  ...origin,
  settings: z.object({ hosts: positive }),
  network: z.object({ rateMbit: z.number(), delayUs: z.number() }),
  samples: z
    .array(z.object({ system: z.string(), bytes: positive, medianSeconds: positive }))
    .min(1)
    .readonly(),
});

/**
 * Where the time of a step goes, in seconds, a value for each step. A step is as long as on its slowest rank.
 *
 * - communication: in which the rank was blocked in operations that came last, and so waited for no other rank but for the data
 * - waiting: in which the ranks were blocked besides, on average, as others came later
 * - input: until the batch was there, on the rank where that took longest
 */
const parts = z.object({ communication: times, waiting: times, input: times });

/** One line of `train.js --json`. */
const train = z.object({
  benchmark: z.literal('train'),
  ...origin,
  ranks: positive,
  localRanks: positive.optional(),
  settings: z.object({
    model: z.string(),
    batch_size: positive,
    image_size: positive,
    variable_update: z.string(),
    overlap: z.boolean().optional(),
    compression: z.string().optional(),
  }),
  backend: z.string(),
  threads: z.string().optional(),
  parameters: positive,
  stepSeconds: times,
  parts: parts.optional(),
  /** What allreduces of float32 took right after the training, on the slowest rank, at the shortest; by how they travelled. */
  allreduces: z
    .array(z.object({ compression: z.string(), bytes: positive, seconds: positive }))
    .min(1)
    .readonly()
    .optional(),
});

/** `training.json` of `bench:training`. */
const training = z.object({
  benchmark: z.literal('training'),
  ...origin,
  samples: z
    .array(
      z.object({
        system: z.string(),
        /** `host` unless it says otherwise: emulated hosts, one a rank. */
        network: z.string().optional(),
        model: z.string(),
        ranks: positive,
        batch: positive,
        imageSize: positive,
        threads: positive.nullable(),
        /** Milliseconds; each step is followed by the one at its place in `localSteps`, without communication. */
        steps: times,
        localSteps: times,
        /** Of each step, in which it waited for its batch; absent where that was in memory. */
        inputSteps: times.optional(),
      }),
    )
    .min(1)
    .readonly(),
});

/** One line of `bench:input --json`: steps in turns, in seconds. */
const input = z.object({
  benchmark: z.literal('input'),
  ...origin,
  ranks: positive,
  settings: z.object({ model: z.string(), batch_size: positive, image_size: positive }),
  threads: z.string().optional(),
  syntheticSteps: times,
  realSteps: times,
  /** Of each real step, in which it waited for its batch. */
  inputSeconds: times,
});

/** One line of `bench:overlap --json`. Milliseconds. */
const way = z.object({ step: positive, exposed: z.number() });
const overlap = z.object({
  benchmark: z.literal('overlap'),
  ...origin,
  model: z.string(),
  ranks: positive,
  batch: positive,
  imageSize: positive,
  threads: z.string(),
  of: z.object({ none: way, after: way, during: way }),
  hidden: share.nullable(),
});

export const benchmarkRecord = z.discriminatedUnion('benchmark', [
  collectives,
  peers,
  network,
  train,
  training,
  input,
  overlap,
]);
/** One record of any benchmark, as it is read. */
export type BenchmarkRecord = z.output<typeof benchmarkRecord>;
/** That of one benchmark. */
export type RecordOf<Name extends BenchmarkRecord['benchmark']> = Extract<BenchmarkRecord, { benchmark: Name }>;
export type Machine = z.output<typeof machine>;
