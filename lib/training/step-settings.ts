import { invalid, show } from '../arguments.js';
import {
  checkCount,
  checkedReduceSettings,
  checkPositive,
  type ReduceGradientsOptions,
  type ReduceSettings,
} from './reduce-settings.js';
import { variablesOf, type Weights } from './weights.js';

/** How a distributed optimizer steps. The same on all ranks. */
export interface DistributedOptimizerOptions extends Omit<ReduceGradientsOptions, 'op'> {
  /**
   * 'average', unless given, or 'sum', of the ranks' gradients. 'adasum': each rank steps with its own, and the changes of the weights are
   * averaged where they point the same way, and added where they are at right angles.
   */
  op?: 'average' | 'sum' | 'adasum';
  /** A step, with its reduction, comes after so many calls of `minimize` or `applyGradients`; 1 unless given. */
  backwardPassesPerStep?: number;
  /** Whether a step uses the mean of its passes on this rank, as one pass over all their examples would, or their sum. True unless given. */
  averageAggregatedGradients?: boolean;
  /** Scales the reduced gradients so that the norm of all together is at most this. */
  clipNorm?: number;
  /** A layer, or variables, that are each rank's own: their gradients are not reduced. */
  localVariables?: Weights;
  /** Divides gradients of local variables by the number of ranks, as their part in the mean of all losses is. True unless given. */
  scaleLocalGradients?: boolean;
  /**
   * Each rank keeps the optimizer's state (moments) for its share of the weights alone, and updates these; the others' come from the others.
   * For tfjs's optimizers, or with 'elementwise' for one of your own that updates each element of a weight by its gradient alone.
   */
  shardOptimizerState?: boolean | 'elementwise';
  /** As in Horovod. Always so, as tfjs has dense gradients only. */
  sparseAsDense?: true;
}

export interface StepSettings extends ReduceSettings {
  readonly backwardPassesPerStep: number;
  readonly averageAggregatedGradients: boolean;
  readonly clipNorm: number | undefined;
  /** Names. */
  readonly localVariables: readonly string[];
  readonly scaleLocalGradients: boolean;
  readonly shardOptimizerState: boolean | 'elementwise';
}

const known: Readonly<Record<keyof DistributedOptimizerOptions, true>> = {
  op: true,
  name: true,
  overlap: true,
  firstBucketBytes: true,
  bucketBytes: true,
  groups: true,
  priority: true,
  splitLarge: true,
  gradientPredivideFactor: true,
  compression: true,
  processSet: true,
  backwardPassesPerStep: true,
  averageAggregatedGradients: true,
  clipNorm: true,
  localVariables: true,
  scaleLocalGradients: true,
  shardOptimizerState: true,
  sparseAsDense: true,
};

/** @throws {RingError} `RING_INVALID_ARGUMENT` naming the option */
export function checkedStepSettings(where: string, options: DistributedOptimizerOptions): StepSettings {
  const unknown = Object.keys(options).find((option) => !(option in known));
  if (unknown !== undefined)
    throw invalid(where, `there is no option ${show(unknown)}; one of ${Object.keys(known).join(', ')}`);
  const { op = 'average', ...others } = options;
  if (!['average', 'sum', 'adasum'].includes(op))
    throw invalid(where, `op is ${show(op)}; 'average', 'sum' or 'adasum'`);
  if (op === 'adasum') checkGoesWithAdasum(where, options);
  const { backwardPassesPerStep = 1, averageAggregatedGradients = true, scaleLocalGradients = true } = options;
  checkCount(where, 'backwardPassesPerStep', backwardPassesPerStep);
  const { clipNorm, localVariables, shardOptimizerState = false } = options;
  if (clipNorm !== undefined) checkPositive(where, 'clipNorm', clipNorm);
  if (![true, false, 'elementwise'].includes(shardOptimizerState))
    throw invalid(where, `shardOptimizerState is ${show(shardOptimizerState)}; true, false or 'elementwise'`);
  const { compression = 'none', sparseAsDense = true } = options as { compression?: unknown; sparseAsDense?: unknown };
  if (sparseAsDense !== true)
    throw invalid(where, `sparseAsDense is ${show(sparseAsDense)}; true, as tfjs has dense gradients only`);
  if (shardOptimizerState !== false && compression !== 'none')
    throw invalid(where, 'with shardOptimizerState gradients travel whole; leave compression out');
  if (shardOptimizerState !== false && options.splitLarge === true)
    throw invalid(where, 'with shardOptimizerState gradients are scattered whole; leave splitLarge out');
  return {
    ...checkedReduceSettings(where, op === 'adasum' ? others : { ...others, op }),
    ...{ op, scatter: shardOptimizerState !== false, shardOptimizerState },
    ...{ backwardPassesPerStep, averageAggregatedGradients, clipNorm, scaleLocalGradients },
    localVariables: localVariables === undefined ? [] : variablesOf(where, localVariables).map(({ name }) => name),
  };
}

/** Changes of weights are combined as they are. */
function checkGoesWithAdasum(where: string, options: DistributedOptimizerOptions): void {
  const {
    compression = 'none',
    gradientPredivideFactor = 1,
    clipNorm,
    shardOptimizerState = false,
    splitLarge = false,
  } = options;
  const given = Object.entries({
    compression: compression !== 'none',
    gradientPredivideFactor: gradientPredivideFactor !== 1,
    clipNorm: clipNorm !== undefined,
    shardOptimizerState: shardOptimizerState !== false,
    splitLarge,
  });
  const wrong = given.find(([, isGiven]) => isGiven);
  if (wrong !== undefined) throw invalid(where, `${wrong[0]} does not go with op 'adasum'; leave it out`);
}
