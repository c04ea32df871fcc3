import type * as tf from '@tensorflow/tfjs-core';
import { invalid } from '../arguments.js';
import { abandon, type UnderWay } from '../collectives/under-way.js';
import { startBucket, type Buckets } from './reduce-bucket.js';

/** The buckets of one step that are reduced while backward goes on: each is started when the last of its gradients is there. */
export class EarlyReduction {
  /** Indices of variables, in the order in which their gradients came. */
  readonly observed: number[] = [];
  private readonly places: ReadonlyMap<string, number>;
  private readonly bucketOf: readonly number[];
  private readonly missing: number[];
  private readonly gradients: tf.Tensor[] = [];
  private readonly started = new Map<number, UnderWay>();

  /** @param buckets - with a plan that is empty: only observes */
  constructor(private readonly buckets: Buckets) {
    const { variables, plan } = buckets;
    this.places = new Map(variables.map((name, index) => [name, index]));
    const bucketOf: number[] = [];
    plan.forEach((bucket, index) => bucket.forEach((place) => (bucketOf[place] = index)));
    this.bucketOf = bucketOf;
    this.missing = plan.map((bucket) => bucket.length);
  }

  /** @param gradient - gives it, complete, and good until the step ends; not called for variables that are not reduced */
  ready(name: string, gradient: () => tf.Tensor): void {
    const place = this.places.get(name);
    if (place === undefined) return;
    this.observed.push(place);
    this.gradients[place] = gradient();
    const bucket = this.bucketOf[place];
    if (bucket === undefined || --this.missing[bucket]! > 0) return;
    this.started.set(bucket, startBucket(this.buckets, bucket, this.gradients));
  }

  /** The bucket, if it was started, for the caller to finish. @param gradients - to apply, by variable */
  take(bucket: number, gradients: readonly tf.Tensor[]): UnderWay | undefined {
    const started = this.started.get(bucket);
    if (started === undefined) return undefined;
    const same = this.buckets.plan[bucket]!.every((place) => this.gradients[place] === gradients[place]);
    if (!same) {
      throw invalid(
        this.buckets.name,
        'the gradients to apply are not those that minimize computed; give the optimizer overlap: false',
      );
    }
    this.started.delete(bucket);
    return started;
  }

  /** For a step that fails, or has ended. */
  abandon(): void {
    this.started.forEach(abandon);
    this.started.clear();
  }
}
