export const horovodVersion = '0.28.1';

/** How pip builds Horovod for a framework that the same Python has: the arguments, and what goes on top of the environment. */
export function horovodBuild(framework: 'PYTORCH' | 'TENSORFLOW') {
  const other = framework === 'PYTORCH' ? 'TENSORFLOW' : 'PYTORCH';
  return {
    pip: ['--no-build-isolation', '--no-deps', '--no-binary', ':all:', `horovod==${horovodVersion}`],
    env: {
      // Its gloo uses <array>, <cstdint> and <limits> without including them, which newer compilers do not forgive.
      CXXFLAGS: '-include array -include cstdint -include limits',
      HOROVOD_WITH_GLOO: '1',
      HOROVOD_WITH_MPI: '1',
      [`HOROVOD_WITH_${framework}`]: '1',
      [`HOROVOD_WITHOUT_${other}`]: '1',
      HOROVOD_WITHOUT_MXNET: '1',
      MPI_CXX_COMPILER: 'mpicxx.openmpi',
    },
  };
}
