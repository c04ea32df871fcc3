#!/usr/bin/env bash
# What only a machine with an NVIDIA GPU can tell, in one go: test/gpu/run.sh [ranks]. Ranks beyond the GPUs share them, which takes
# NCCL 2.30 or later; TSRING_NCCL_LIB names one that the loader does not find. Stops at the first failure.
set -euo pipefail
cd "$(dirname "$0")/../.."
ranks=${1:-2}

[[ -d node_modules ]] || npm ci
npm run --silent build
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
node bin/tsrun --check-build

echo "== operations on three ranks, the kernels' PTX among them, and a rank that is killed"
TSRING_TEST_GPU=1 npx mocha --spec test/gpu/collectives.test.ts

echo "== bus bandwidth, one rank and $ranks"
node bin/tsrun -np 1 dist/bench/device-allreduce.js
node bin/tsrun -np "$ranks" --oversubscribe dist/bench/device-allreduce.js
