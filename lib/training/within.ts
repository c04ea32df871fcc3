import type { ProcessSet } from '../process-set.js';

export interface WithProcessSet {
  /** The ranks that take part; all of the job's unless given. Roots go by their numbers in the job, and "rank 0" is the set's first. */
  processSet?: ProcessSet;
}

/** What an operation is told of the ranks that take part: nothing, where these are all. */
export function within({ processSet }: { readonly processSet?: ProcessSet | undefined }): WithProcessSet {
  return processSet === undefined ? {} : { processSet };
}
