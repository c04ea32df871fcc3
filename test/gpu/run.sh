#!/usr/bin/env bash
# What only a machine with an NVIDIA GPU can tell, in one go: test/gpu/run.sh [ranks]. Ends with how many parts passed, failed and
# were skipped; each says why. Without a GPU that tsrun can use it ends early. Ranks beyond the GPUs share them, which takes NCCL 2.30 or later. Variables: TSRING_NCCL_LIB names an NCCL
# that the loader does not find; LARGEST is the largest allreduce in bytes (256 MiB); STREAMS are the numbers of streams that a step
# of that size is measured with (1 2 4); FAKES is the folder of a fake driver and a
# fake NCCL, for a test of this script itself where there is no GPU: what it prints then says nothing about GPUs.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
ranks=${1:-2}
export NCCL_MULTI_RANK_GPU_ENABLE=1 # for ranks of tests, as tsrun sets it where ranks share a GPU
export TSRING_TIMEOUT_MS=${TSRING_TIMEOUT_MS:-120000} # what hangs is told of by then
largest=${LARGEST:-$((256 << 20))}
passed=0 failed=0 skipped=0

main() {
  if [[ -n ${FAKES:-} ]]; then
    export LD_LIBRARY_PATH=$FAKES TSRING_NCCL_LIB=$FAKES/libnccl.so.2
    echo 'on fakes: nothing of this says anything about a GPU'
  else
    part 'build' build
  fi
  part 'the driver and its GPUs' show_gpus
  part 'what tsrun finds' check_build
  ((failed == 0)) && on_gpus
  echo "$passed passed, $failed failed, $skipped skipped"
  ((failed == 0))
}

on_gpus() {
  part 'operations on three ranks, the kernels in PTX among them, and a rank that is killed' operations
  part 'tensors of TensorFlow, where it has them on a GPU' tensors
  part 'bus bandwidth of one rank' bandwidth 1
  part "bus bandwidth of $ranks ranks" bandwidth "$ranks"
  local streams
  part "a step's buckets on one rank, for the kernels" step_bandwidth 1 1
  for streams in ${STREAMS:-1 2 4}; do
    part "bus bandwidth of a step's buckets, $ranks ranks, numNcclStreams $streams" step_bandwidth "$ranks" "$streams"
  done
  part "bus bandwidth of $ranks ranks of PyTorch's NCCL" torch_bandwidth
}

# part TITLE COMMAND...: a status of 77 is a skip, whose reason is the last line printed.
part() {
  local title=$1 last status
  shift
  echo "== $title"
  last=$(mktemp)
  (set -e && "$@") 2>&1 | tee "$last"
  status=${PIPESTATUS[0]}
  case $status in
    0) passed=$((passed + 1)) && echo "PASS $title" ;;
    77) skipped=$((skipped + 1)) && echo "SKIP $title: $(tail -n 1 "$last")" ;;
    *) failed=$((failed + 1)) && echo "FAIL $title: status $status" ;;
  esac
  rm -f "$last"
}

skip() {
  echo "$1"
  exit 77
}

fail() {
  echo "$1"
  exit 1
}

# For parts of so many ranks.
gpus_for() {
  local facts='import { gpuFacts } from "./dist/lib/index.js"; const { gpus, ncclVersion } = gpuFacts();'
  node --input-type=module -e "$facts process.exit(gpus.length >= $1 || ncclVersion >= 23000 ? 0 : 1)" ||
    [[ -n ${FAKES:-} ]] || skip "$1 ranks on fewer GPUs take NCCL 2.30 or later"
}

# Without a network, bring node_modules along; without a compiler, dist and build/Release, too.
build() {
  command -v node > /dev/null || fail 'no Node.js here'
  [[ -d node_modules ]] || npm ci || fail 'no node_modules here, and npm cannot fetch them: bring the folder along'
  if ! command -v g++ > /dev/null; then
    [[ -f build/Release/tsring.node && -f dist/lib/index.js ]] || fail 'no g++ here, and no build/Release/tsring.node and dist from elsewhere'
    skip 'no g++ here: the addon was built elsewhere'
  fi
  npm run --silent build
}

show_gpus() {
  command -v nvidia-smi > /dev/null || skip 'no nvidia-smi here'
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
}

check_build() {
  local found
  found=$(node bin/tsrun --check-build)
  echo "$found"
  grep -q '^ *\[x\] NCCL' <<< "$found"
}

operations() {
  gpus_for 3
  local only=()
  if [[ -n ${FAKES:-} ]]; then only=(--grep 'give the right results$'); else export TSRING_TEST_GPU=1; fi
  npx mocha --no-config --node-option import=tsx --extension ts --timeout 120000 "${only[@]}" test/gpu/collectives.test.ts
}

# By a TensorFlow that computes on a GPU: npx tsring-setup-tensorflow --cuda.
tensors() {
  [[ -z ${FAKES:-} ]] || skip 'these are fakes, which test/gpu/tensors.test.ts runs on by itself'
  local on_gpu='process.exit(require("@tensorflow/tfjs-node").backend().isUsingGpuDevice ? 0 : 77)'
  node -e "$on_gpu" || skip 'no tfjs-node here whose TensorFlow computes on a GPU: npx tsring-setup-tensorflow --cuda'
  TSRING_TEST_GPU=1 npx mocha --no-config --node-option import=tsx --extension ts --timeout 120000 test/gpu/tensors.test.ts
}

bandwidth() {
  gpus_for "$1"
  node bin/tsrun -np "$1" --oversubscribe dist/bench/device-allreduce.js "$largest"
}

# step_bandwidth RANKS STREAMS: of buckets that are on the GPU, and of some that are copied there from main memory, and back; sums are looked at.
step_bandwidth() {
  gpus_for "$1"
  node bin/tsrun -np "$1" --oversubscribe --num-nccl-streams "$2" dist/bench/device-buckets.js "$largest"
}

# In an environment of its own, so that nothing of the machine's Python changes.
torch_bandwidth() {
  [[ -z ${FAKES:-} ]] || skip 'PyTorch wants a real GPU, and these are fakes'
  local python=python3
  if ! python3 -c 'import torch' 2> /dev/null; then
    python=build/torch/bin/python
    [[ -x $python ]] || python3 -m venv build/torch || skip 'python3 has no venv to install PyTorch into'
    "$python" -c 'import torch' 2> /dev/null || "$python" -m pip install --quiet torch || skip 'PyTorch cannot be installed here'
  fi
  "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' || skip 'this PyTorch sees no GPU'
  "$python" -c "import sys, torch; sys.exit(torch.cuda.device_count() < $ranks)" || skip "PyTorch wants a GPU for each of $ranks ranks"
  "$python" test/gpu/torch-allreduce.py "$ranks" "$largest"
}

main
