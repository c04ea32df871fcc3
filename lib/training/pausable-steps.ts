import { GradientAccumulator } from './gradient-accumulator.js';
import type { StepSettings } from './step-settings.js';

/** When a distributed optimizer's step only accumulates, or is left as it is, and which variables it leaves to each rank. */
export abstract class PausableSteps {
  protected readonly accumulator: GradientAccumulator;
  protected readonly local: Set<string>;
  protected inside = false; // a subclass may call itself with what it was given in another form
  protected skipping = 0;
  private accumulating = 0;

  constructor(protected readonly settings: StepSettings) {
    this.accumulator = new GradientAccumulator(settings.averageAggregatedGradients);
    this.local = new Set(settings.localVariables);
  }

  skipSynchronize<T>(action: () => T): T {
    this.skipping += 1;
    return finallyDo(action, () => (this.skipping -= 1));
  }

  noSync<T>(action: () => T): T {
    this.accumulating += 1;
    return finallyDo(action, () => (this.accumulating -= 1));
  }

  registerLocalVariables(names: readonly string[]): void {
    names.forEach((name) => this.local.add(name));
  }

  protected onlyAccumulates(): boolean {
    return this.accumulating > 0 || this.accumulator.passes + 1 < this.settings.backwardPassesPerStep;
  }
}

/** Calls `end` when the action, or the promise that it gives, has come to its end. */
function finallyDo<T>(action: () => T, end: () => void): T {
  let result: T;
  try {
    result = action();
  } catch (error) {
    end();
    throw error;
  }
  if (result instanceof Promise) return result.finally(end) as T;
  end();
  return result;
}
