import { RingError } from '../errors.js';
import type { Endpoint } from './flag-values.js';
import type { Flags } from './flags.js';

/** This tsrun is one of several, one a node, that someone else has started; they meet at `endpoint`, which node 0 serves. */
export interface Nodes {
  readonly count: number;
  readonly rank: number;
  readonly endpoint: Endpoint;
  readonly jobId: string;
}

export function nodesOf({ nnodes, nodeRank, rdzvEndpoint, jobId }: Flags): Nodes | undefined {
  if (nnodes === undefined || nnodes === 1 || nodeRank === undefined || rdzvEndpoint === undefined) return undefined;
  const { host, port } = rdzvEndpoint;
  return { count: nnodes, rank: nodeRank, endpoint: rdzvEndpoint, jobId: jobId ?? `${host}:${port}` };
}

/** @throws RING_INVALID_ARGUMENT where flags about nodes contradict each other or others, or one is missing */
export function checkNodes(flags: Flags): void {
  const wrong = (what: string) => new RingError('RING_INVALID_ARGUMENT', what);
  const count = flags.nnodes ?? 1;
  const others = { '--node-rank': flags.nodeRank, '--rdzv-endpoint': flags.rdzvEndpoint };
  const given = Object.entries(others).filter(([, value]) => value !== undefined);
  if (flags.standalone && (count > 1 || given.length > 0)) {
    throw wrong(`--standalone is one node; it does not go with --nnodes ${count} or ${Object.keys(others).join(', ')}`);
  }
  if (flags.nnodes === undefined && given.length > 0) throw wrong(`${given[0]![0]} goes with --nnodes`);
  if (count === 1) return;
  if (flags.hosts || flags.hostfile !== undefined) {
    throw wrong(
      '--nnodes is for nodes on which you start tsrun yourself, and hosts are those that tsrun starts ranks on',
    );
  }
  if (given.length < 2) throw wrong(`--nnodes ${count} needs --node-rank and --rdzv-endpoint`);
  if (flags.nodeRank! >= count) throw wrong(`--node-rank ${flags.nodeRank!} is none of 0 to ${count - 1}`);
  if (flags.numProc !== undefined && flags.nprocPerNode !== undefined) {
    throw wrong('with --nnodes, -np and --nproc-per-node both say how many ranks this node has; give one of them');
  }
}
