import assert from 'node:assert/strict';
import { schedulerPlace, tasksPerNode } from '../lib/schedulers.js';
import { ringError } from './helpers/ring-error.js';

describe('places that schedulers give', () => {
  const cluster = { chief: ['a:2222'], worker: ['b:2222', 'c:2222'], ps: ['d:2222'] };
  const tf = (task: object) => ({ TF_CONFIG: JSON.stringify({ cluster, task }) });
  const ompi = {
    OMPI_COMM_WORLD_RANK: '3',
    OMPI_COMM_WORLD_SIZE: '4',
    OMPI_COMM_WORLD_LOCAL_RANK: '1',
    OMPI_COMM_WORLD_LOCAL_SIZE: '2',
    PMIX_NAMESPACE: '77',
  };
  const slurm = {
    SLURM_JOB_ID: '9',
    SLURM_STEP_ID: '0',
    SLURM_PROCID: '2',
    SLURM_NTASKS: '3',
    SLURM_LOCALID: '0',
    SLURM_NODEID: '1',
    SLURM_STEP_TASKS_PER_NODE: '2,1',
  };
  const plain = { RANK: '1', WORLD_SIZE: '2', MASTER_ADDR: 'm', MASTER_PORT: '29500' };
  const cases: [name: string, env: NodeJS.ProcessEnv, place: object | undefined][] = [
    ['nobody', {}, undefined],
    ['one process', { OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '1', ...locals(0, 1) }, undefined],
    ['Open MPI', ompi, { rank: 3, size: 4, localRank: 1, localSize: 2, jobKey: 'openmpi 77' }],
    ['Open MPI inside of Slurm', { ...slurm, ...ompi }, { startedBy: 'Open MPI', rank: 3 }],
    [
      'MPICH',
      { PMI_RANK: '1', PMI_SIZE: '2', MPI_LOCALRANKID: '1', MPI_LOCALNRANKS: '2' },
      { rank: 1, size: 2, localRank: 1, localSize: 2 },
    ],
    ['srun', slurm, { rank: 2, size: 3, localRank: 0, localSize: 1, jobKey: 'slurm 9.0' }],
    ['srun --mpi=pmi2', { ...slurm, PMI_RANK: '2', PMI_SIZE: '3' }, { rank: 2, localRank: 0, jobKey: 'slurm 9.0' }],
    ['a batch script, which is no step', { ...slurm, SLURM_STEP_ID: undefined }, undefined],
    ['an Indexed Job', { JOB_COMPLETION_INDEX: '2', TSRING_SIZE: '4' }, { rank: 2, size: 4 }],
    ['TF_CONFIG, chief', tf({ type: 'chief', index: 0 }), { rank: 0, size: 3, rendezvous: 'tcp://a:2222' }],
    ['TF_CONFIG, worker', tf({ type: 'worker', index: 1 }), { rank: 2, size: 3, rendezvous: 'tcp://a:2222' }],
    ['TF_CONFIG, evaluator', tf({ type: 'evaluator', index: 0 }), undefined],
    ['torchrun and its like', plain, { rank: 1, size: 2, rendezvous: 'tcp://m:29500' }],
    [
      'the same with local ranks, over IPv6',
      { ...plain, MASTER_ADDR: 'fd00::1', LOCAL_RANK: '1', LOCAL_WORLD_SIZE: '2' },
      { localRank: 1, localSize: 2, rendezvous: 'tcp://[fd00::1]:29500' },
    ],
  ];
  for (const [name, env, expected] of cases) {
    it(name, () => {
      const place = schedulerPlace(env);
      if (expected === undefined) assert.equal(place, undefined);
      else assert.deepEqual({ ...place, ...expected }, place);
    });
  }

  it('are refused where they make no sense', () => {
    const refused = (env: NodeJS.ProcessEnv, message: RegExp) =>
      assert.throws(() => schedulerPlace(env), ringError('RING_CONFIG', message));
    refused({ RANK: '2', WORLD_SIZE: '2' }, /RANK and WORLD_SIZE says rank 2 of 2/);
    refused({ RANK: 'x', WORLD_SIZE: '2' }, /sets RANK to "x", which is no number/);
    refused({ TF_CONFIG: '{' }, /TF_CONFIG is no JSON/);
    refused(tf({ type: 'ps', index: 0 }), /task ps 0; a chief or worker/);
    refused(tf({ type: 'worker', index: 2 }), /task worker 2/);
  });

  it('Slurm counts tasks of nodes in its own way', () => {
    assert.deepEqual(tasksPerNode('2(x3),1'), [2, 2, 2, 1]);
    assert.deepEqual(tasksPerNode(''), []);
  });

  function locals(rank: number, size: number) {
    return { OMPI_COMM_WORLD_LOCAL_RANK: String(rank), OMPI_COMM_WORLD_LOCAL_SIZE: String(size) };
  }
});
