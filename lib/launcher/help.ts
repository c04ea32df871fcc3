/** What `tsrun --help` says below the list of flags. */
export const helpEpilogue = `
Examples:
  tsrun -np 4 train.js --epochs 10     four ranks on this machine; --epochs goes to train.js
  tsrun -np 2 train.ts                 TypeScript runs as it is
  tsrun -np 8 -H server1:4,server2:4 train.js           by ssh; the same paths are needed on both
  tsrun --hostfile hosts --map-by node --dry-run train.js
  tsrun --nnodes 2 --node-rank 0 --rdzv-endpoint server1:29400 --nproc-per-node gpu train.js    and so on each node
  tsrun --spark spark://head:7077 -np 8 train.js        each rank in a task of Spark
  tsrun analyze dumps/                 where ranks diverged, from what they wrote to --flight-recorder-dir dumps
  tsrun report before.jsonl after.jsonl    compares what benchmarks wrote, with charts in report.html
  tsrun simulate --model vgg19             what an allreduce would take on 8 to 16,384 ranks, by a model
  tsrun advise runs.jsonl                  where a run's time goes, and what would help

Flags of mpirun, horovodrun and torchrun are taken in their spellings (-hostfile, -bind-to, --nproc_per_node); those that mean
nothing here, as -mca, are named once and ignored. Other hosts get our environment, but for what says where one is logged in.

Each rank gets its share of the cores as OMP_NUM_THREADS, TF_NUM_INTRAOP_THREADS and TF_NUM_INTEROP_THREADS, and its own
GPU as CUDA_VISIBLE_DEVICES where there are some; thread counts that you set yourself are left alone, and a
CUDA_VISIBLE_DEVICES that you set is dealt out among the ranks of each host. Rank 0, if it is on this host, reads tsrun's
standard input, the others none.

The first rank that fails ends the job: the others get SIGTERM, then SIGKILL, and its exit code becomes tsrun's (128 plus
the number of a signal). Ctrl-C stops all ranks; a second Ctrl-C kills them at once. Exit code 2: wrong usage; 124: --timeout.
`;
