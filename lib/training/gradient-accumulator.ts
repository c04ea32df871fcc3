import * as tf from '@tensorflow/tfjs-core';

/** A gradient as tfjs passes it on: none where the variable had no part in the loss. */
export interface MaybeGradient {
  readonly name: string;
  readonly tensor: tf.Tensor | null | undefined;
}

/** Sums of the gradients of passes that no step has used yet. They stay on this rank until one does. */
export class GradientAccumulator {
  private readonly sums = new Map<string, tf.Tensor>();
  private count = 0;

  /** @param average - whether a step uses the mean of its passes, or their sum */
  constructor(private readonly average: boolean) {}

  /** Passes since the last step. */
  get passes(): number {
    return this.count;
  }

  add(gradients: readonly MaybeGradient[]): void {
    this.count += 1;
    for (const { name, tensor } of gradients) {
      if (!tensor) continue;
      const sum = this.sums.get(name);
      this.sums.set(name, tf.keep(sum === undefined ? tf.clone(tensor) : tf.add(sum, tensor)));
      sum?.dispose();
    }
  }

  /** What a step uses that ends with a pass which gave `gradient`. A new tensor, unless there is nothing to add. */
  with(name: string, gradient: tf.Tensor | null | undefined): tf.Tensor | null {
    if (this.count === 0) return gradient ?? null;
    const sum = this.sums.get(name);
    if (sum === undefined && !gradient) return null;
    return tf.tidy(() => {
      const all = sum === undefined ? gradient! : gradient ? tf.add(sum, gradient) : tf.clone(sum);
      return this.average ? tf.div(all, this.count + 1) : tf.clone(all);
    });
  }

  clear(): void {
    this.sums.forEach((sum) => sum.dispose());
    this.sums.clear();
    this.count = 0;
  }
}
