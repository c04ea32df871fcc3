import assert from 'node:assert/strict';
import { assignRanks } from '../../lib/launcher/assign-ranks.js';
import { rankEnvironment, travellingEnvironment } from '../../lib/launcher/environment.js';

describe('rankEnvironment', () => {
  const [placement] = assignRanks([{ host: 'here', slots: 2 }], 2);
  const job = { jobId: 'id', store: '127.0.0.1:1', address: '127.0.0.1', secretFd: 3, threads: 4, servers: 0 };
  const around = { ...job, gpu: undefined, sharesGpu: false };
  const of = (user: NodeJS.ProcessEnv, changes: object = {}) =>
    rankEnvironment(user, placement!, { ...around, ...changes });

  it('takes our variables to other hosts, but not those that say where and as whom one is logged in, nor a secret', () => {
    const ours = {
      PATH: '/bin',
      NCCL_DEBUG: 'INFO',
      HOME: '/home/a',
      SSH_AUTH_SOCK: '/s',
      TSRING_SECRET_FILE: '/f',
      TERM: 'x',
    };
    assert.deepEqual(travellingEnvironment(ours, { TERM: 'dumb' }), { PATH: '/bin', NCCL_DEBUG: 'INFO', TERM: 'dumb' });
  });

  it('sets thread counts unless the user did', () => {
    const { OMP_NUM_THREADS, TF_NUM_INTRAOP_THREADS, TF_NUM_INTEROP_THREADS } = of({ OMP_NUM_THREADS: '7' });
    assert.deepEqual([OMP_NUM_THREADS, TF_NUM_INTRAOP_THREADS, TF_NUM_INTEROP_THREADS], ['7', '4', '4']);
  });

  it('gives the place, whatever the environment had before, and hides another job’s secret', () => {
    const before = { TSRING_RANK: '5', TSRING_SIZE: '9', TSRING_SECRET: 'ff', TSRING_SECRET_FILE: '/x', HOME: '/home' };
    const { TSRING_RANK, TSRING_SIZE, TSRING_SECRET_FD, HOME, ...rest } = of(before);
    assert.deepEqual([TSRING_RANK, TSRING_SIZE, TSRING_SECRET_FD, HOME], ['0', '2', '3', '/home']);
    assert(!('TSRING_SECRET' in rest) && !('TSRING_SECRET_FILE' in rest));
  });

  it('sets the GPU’s variables only where there is one', () => {
    assert(!('CUDA_VISIBLE_DEVICES' in of({})) && !('TF_FORCE_GPU_ALLOW_GROWTH' in of({})));
    const { CUDA_VISIBLE_DEVICES, TF_FORCE_GPU_ALLOW_GROWTH } = of({ CUDA_VISIBLE_DEVICES: '4,5' }, { gpu: '5' });
    assert.deepEqual([CUDA_VISIBLE_DEVICES, TF_FORCE_GPU_ALLOW_GROWTH], ['5', 'true']);
    assert.equal(of({ TF_FORCE_GPU_ALLOW_GROWTH: 'false' }, { gpu: '0' })['TF_FORCE_GPU_ALLOW_GROWTH'], 'false');
    assert(!('NCCL_MULTI_RANK_GPU_ENABLE' in of({}, { gpu: '0' })));
    assert.equal(of({}, { gpu: '0', sharesGpu: true })['NCCL_MULTI_RANK_GPU_ENABLE'], '1');
  });
});
