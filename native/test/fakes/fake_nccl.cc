// A fake libnccl.so.2, for tests where there is no GPU: real processes get real sums. Every operation is made of sends
// and receives, in a stream's order. As with the real one, an operation whose peer is gone does not come back until the
// communicator is aborted.
//
// Variables: FAKE_NCCL_VERSION (22707), FAKE_NCCL_ERROR_AT (from this operation on, counted from 0, an error of a peer
// is reported), FAKE_NCCL_HANG_AT (this operation never ends by itself), FAKE_NCCL_INIT_HANG (linking up never ends),
// FAKE_NCCL_AWAITS_KERNELS (a communicator's first operation does not end before its process has run so many kernels
// since: only kernels of other streams can do that).
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fake_cuda.h"
#include "fake_rings.h"
#include "fake_sums.h"

namespace {

enum Result : int {
  kSuccess = 0,
  kSystemError = 2,
  kInvalidArgument = 4,
  kInvalidUsage = 5,
  kRemoteError = 6,
  kInProgress = 7
};

struct UniqueId {
  char path[128];
};

struct Config {
  size_t size;
  unsigned magic, version;
  int blocking;
};

struct Comm {
  int size, rank;
  std::unique_ptr<FakeRings> rings;
  std::atomic<int> state{kInProgress};
  std::atomic<bool> aborted{false};
  std::atomic<int> underWay{0};
  std::atomic<long> operations{0};
  unsigned long kernelsBefore = fakeCudaKernels();
};
using CommHandle = std::shared_ptr<Comm>;

long fromEnvironment(const char* name, long otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atol(text) : otherwise;
}

void waitABit() {
  std::this_thread::sleep_for(std::chrono::microseconds(50));
}

/// As a kernel that spins.
void stayUntilAborted(const Comm& comm) {
  while (!comm.aborted) waitABit();
}

/// False when the communicator was aborted meanwhile.
bool exchange(Comm& comm, std::vector<Transfer> transfers) {
  for (int idle = 0;;) {
    const bool moved = comm.rings->progress(transfers);
    if (std::ranges::all_of(transfers, [](const Transfer& transfer) { return transfer.left == 0; })) return true;
    if (comm.aborted) return false;
    if (moved) {
      idle = 0;
      continue;
    }
    if (++idle % 100 == 0 && comm.rings->anyoneGone()) {
      comm.state = kRemoteError;
      stayUntilAborted(comm);
      return false;
    }
    waitABit();
  }
}

/// Everyone's elements to `root`, or to all for -1, who combine them into `to`.
bool reduceTo(Comm& comm, int root, char* from, char* to, size_t count, int dtype, Op op) {
  const size_t bytes = count * sizeOf(dtype);
  const bool receives = root < 0 || root == comm.rank;
  std::vector<char> all(receives ? bytes * static_cast<size_t>(comm.size) : 0);
  std::vector<Transfer> transfers;
  for (int peer = 0; peer < comm.size; ++peer) {
    if (root < 0 || root == peer) transfers.push_back({peer, true, from, bytes});
    if (receives) transfers.push_back({peer, false, all.data() + static_cast<size_t>(peer) * bytes, bytes});
  }
  if (!exchange(comm, transfers)) return false;
  if (receives) combineAll(to, all, count, dtype, op, comm.size);
  return true;
}

bool broadcastFrom(Comm& comm, int root, char* from, char* to, size_t bytes) {
  std::vector<Transfer> transfers;
  if (root == comm.rank) {
    if (to != from) std::memcpy(to, from, bytes);
    for (int peer = 0; peer < comm.size; ++peer)
      if (peer != root) transfers.push_back({peer, true, from, bytes});
  } else {
    transfers.push_back({root, false, to, bytes});
  }
  return exchange(comm, transfers);
}

/// What a group holds back until its end: its sends and receives go together, the rest in order.
struct Group {
  int depth = 0;
  CommHandle comm;
  CudaStreamHandle* stream = nullptr;
  std::vector<Transfer> transfers;
};
thread_local Group group;
thread_local std::string lastError;

Result refuse(const char* why) {
  lastError = why;
  return kInvalidArgument;
}

template <typename Work>
Result enqueue(CommHandle* handle, CudaStreamHandle* stream, Work work) {
  if ((*handle)->state == kInProgress) return refuse("the communicator is not ready");
  ++(*handle)->underWay;
  fakeCudaEnqueue(stream, [comm = *handle, work] {
    const long number = comm->operations++;
    if (number == fromEnvironment("FAKE_NCCL_HANG_AT", -1)) stayUntilAborted(*comm);
    const auto kernels = static_cast<unsigned long>(fromEnvironment("FAKE_NCCL_AWAITS_KERNELS", 0));
    while (number == 0 && !comm->aborted && fakeCudaKernels() - comm->kernelsBefore < kernels) waitABit();
    if (const long at = fromEnvironment("FAKE_NCCL_ERROR_AT", -1); at >= 0 && number >= at) comm->state = kRemoteError;
    if (comm->state != kSuccess) stayUntilAborted(*comm);
    if (!comm->aborted) work(*comm);
    --comm->underWay;
  });
  return kSuccess;
}

char* at(const void* device) {
  return static_cast<char*>(fakeCudaHost(device));
}

void linkUp(const CommHandle& comm, const std::string& path) {
  if (std::getenv("FAKE_NCCL_INIT_HANG")) return stayUntilAborted(*comm);
  comm->rings = FakeRings::open(path, comm->rank, comm->size);
  if (!comm->rings) {
    comm->state = kSystemError;
    return;
  }
  for (int rank = 0; rank < comm->size; ++rank) {
    while (!comm->rings->isHere(rank) && !comm->aborted) waitABit();
  }
  if (comm->rank == 0) ::unlink(path.c_str());
  comm->state = kSuccess;
}

Result transfer(int peer, bool sends, const void* data, size_t bytes, CommHandle* comm, CudaStreamHandle* stream) {
  if (group.depth == 0) {
    lastError = "the fake wants sends and receives in a group";
    return kInvalidUsage;
  }
  group.comm = *comm;
  group.stream = stream;
  group.transfers.push_back({peer, sends, at(data), bytes});
  return kSuccess;
}

}  // namespace

extern "C" {

int ncclGetVersion(int* version) {
  *version = static_cast<int>(fromEnvironment("FAKE_NCCL_VERSION", 22707));
  return kSuccess;
}
const char* ncclGetErrorString(int result) {
  switch (result) {
    case kSuccess:
      return "no error";
    case kRemoteError:
      return "remote process exited or there was a network error";
    case kInvalidArgument:
      return "invalid argument";
    case kInProgress:
      return "NCCL operation in progress";
    default:
      return "an error of the fake NCCL";
  }
}
const char* ncclGetLastError(CommHandle*) {
  return lastError.c_str();
}
int ncclGetUniqueId(UniqueId* id) {
  return FakeRings::makeFile(id->path) ? kSuccess : kSystemError;
}
int ncclCommInitRankConfig(CommHandle** out, int size, UniqueId id, int rank, Config* config) {
  if (config->magic != 0xcafebeef || config->blocking != 0) return refuse("the fake is for non-blocking communicators");
  if (size > FakeRings::kMostRanks || rank < 0 || rank >= size) return refuse("no such rank");
  auto comm = std::make_shared<Comm>();
  comm->size = size;
  comm->rank = rank;
  *out = new CommHandle(comm);
  std::thread([comm, path = std::string(id.path)] { linkUp(comm, path); }).detach();
  return kInProgress;
}
int ncclCommGetAsyncError(CommHandle* comm, int* state) {
  *state = (*comm)->state;
  return kSuccess;
}
int ncclCommFinalize(CommHandle* comm) {
  return (*comm)->underWay == 0 ? (*comm)->state.load() : kInvalidUsage;
}
int ncclCommDestroy(CommHandle* comm) {
  delete comm;
  return kSuccess;
}
int ncclCommAbort(CommHandle* comm) {
  (*comm)->aborted = true;
  while ((*comm)->underWay > 0) waitABit();
  delete comm;
  return kSuccess;
}
int ncclGroupStart() {
  ++group.depth;
  return kSuccess;
}
int ncclGroupEnd() {
  if (--group.depth > 0 || !group.comm) return kSuccess;
  CommHandle comm = std::move(group.comm);
  group.comm = nullptr;
  return enqueue(&comm, group.stream,
                 [transfers = std::exchange(group.transfers, {})](Comm& of) { exchange(of, transfers); });
}
int ncclAllReduce(const void* from, void* to, size_t count, int dtype, int op, CommHandle* comm,
                  CudaStreamHandle* stream) {
  return enqueue(comm, stream, [=, a = at(from), b = at(to)](Comm& of) {
    reduceTo(of, -1, a, b, count, dtype, static_cast<Op>(op));
  });
}
int ncclReduce(const void* from, void* to, size_t count, int dtype, int op, int root, CommHandle* comm,
               CudaStreamHandle* stream) {
  return enqueue(comm, stream, [=, a = at(from), b = at(to)](Comm& of) {
    reduceTo(of, root, a, b, count, dtype, static_cast<Op>(op));
  });
}
int ncclReduceScatter(const void* from, void* to, size_t count, int dtype, int op, CommHandle* comm,
                      CudaStreamHandle* stream) {
  return enqueue(comm, stream, [=, a = at(from), b = at(to)](Comm& of) {
    for (int root = 0; root < of.size; ++root) {
      char* const block = a + static_cast<size_t>(root) * count * sizeOf(dtype);
      if (!reduceTo(of, root, block, b, count, dtype, static_cast<Op>(op))) return;
    }
  });
}
int ncclBroadcast(const void* from, void* to, size_t count, int dtype, int root, CommHandle* comm,
                  CudaStreamHandle* stream) {
  return enqueue(comm, stream,
                 [=, a = at(from), b = at(to)](Comm& of) { broadcastFrom(of, root, a, b, count * sizeOf(dtype)); });
}
int ncclAllGather(const void* from, void* to, size_t count, int dtype, CommHandle* comm, CudaStreamHandle* stream) {
  return enqueue(comm, stream, [=, a = at(from), b = at(to)](Comm& of) {
    const size_t bytes = count * sizeOf(dtype);
    for (int root = 0; root < of.size; ++root) {
      if (!broadcastFrom(of, root, a, b + static_cast<size_t>(root) * bytes, bytes)) return;
    }
  });
}
int ncclSend(const void* data, size_t count, int dtype, int peer, CommHandle* comm, CudaStreamHandle* stream) {
  return transfer(peer, true, data, count * sizeOf(dtype), comm, stream);
}
int ncclRecv(void* data, size_t count, int dtype, int peer, CommHandle* comm, CudaStreamHandle* stream) {
  return transfer(peer, false, data, count * sizeOf(dtype), comm, stream);
}
}
