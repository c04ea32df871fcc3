/** A cluster whose tasks start the ranks. */
export interface ClusterOptions {
  readonly engine: 'spark' | 'ray';
  /** Spark's master, or the address of Ray's head; `local` for Ray on this machine. */
  readonly address: string;
  /** Of Spark: properties. Of Ray: what each rank takes of each resource, as numbers. */
  readonly settings: Readonly<Record<string, string>>;
}

export const engineNames = { spark: 'Spark', ray: 'Ray' } as const;
