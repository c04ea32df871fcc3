import { startOurs } from './start-ours.js';
import { startAlone, startHorovodGloo, startHorovodMpi, startMultiworker } from './start-peers.js';
import type { Launch } from './workload.js';

/** One way of training. */
export interface System {
  readonly name: string;
  /** Whether it is TensorFlow's Python. */
  readonly peer: boolean;
  /** Otherwise it is for any number. */
  readonly onlyAlone?: true;
  /** Runs where `--systems` has it, and not by default. */
  readonly onlyNamed?: true;
  readonly wantsImages?: true;
  readonly launch: Launch;
}

/** In the order of a round. */
export const systems: readonly System[] = [
  { name: 'tsring', peer: false, launch: startOurs([], 0) },
  { name: 'tsring-overlap', peer: false, launch: startOurs(['--overlap'], 0) },
  { name: 'tsring-plain', peer: false, launch: startOurs(['--no-accelerate'], 0) },
  { name: 'tsring-images', peer: false, onlyNamed: true, wantsImages: true, launch: startOurs([], 0) },
  { name: 'tsring-ps', peer: false, onlyNamed: true, launch: startOurs(['--variable_update', 'parameter_server'], 1) },
  {
    ...{ name: 'tsring-ps-sync', peer: false, onlyNamed: true },
    launch: startOurs(['--variable_update', 'parameter_server', '--cross_replica_sync'], 1),
  },
  { name: 'tensorflow-graph', peer: true, onlyAlone: true, launch: startAlone([]) },
  { name: 'tensorflow-eager', peer: true, onlyAlone: true, launch: startAlone(['--eager']) },
  { name: 'horovod-gloo', peer: true, launch: startHorovodGloo([]) },
  { name: 'horovod-gloo-eager', peer: true, launch: startHorovodGloo(['--eager']) },
  { name: 'horovod-mpi', peer: true, launch: startHorovodMpi([]) },
  { name: 'horovod-mpi-eager', peer: true, launch: startHorovodMpi(['--eager']) },
  { name: 'multiworker-ring', peer: true, launch: startMultiworker() },
];
