// A fake libnccl.so.2, for tests where there is no GPU: real processes get real sums. Every two ranks have two rings of
// bytes in a file that all map, and every operation is made of sends and receives through them, in a stream's order. As
// with the real one, an operation whose peer is gone does not come back until the communicator is aborted.
//
// Variables: FAKE_NCCL_VERSION (22707), FAKE_NCCL_ERROR_AT (from this operation on, counted from 0, an error of a peer
// is reported), FAKE_NCCL_HANG_AT (this operation never ends by itself), FAKE_NCCL_INIT_HANG (linking up never ends).
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "fake_cuda.h"

namespace {

enum Result : int {
  kSuccess = 0,
  kSystemError = 2,
  kInvalidArgument = 4,
  kInvalidUsage = 5,
  kRemoteError = 6,
  kInProgress = 7
};
enum Op : int { kSum = 0, kProduct = 1, kMax = 2, kMin = 3, kAverage = 4 };

constexpr int kMostRanks = 8;
constexpr size_t kRingBytes = 64 << 10;

struct Ring {
  std::atomic<uint64_t> written, taken;
  char bytes[kRingBytes];
};

/// What all ranks map.
struct Shared {
  std::atomic<int> pids[kMostRanks];
  Ring rings[kMostRanks][kMostRanks];  // from, to
};

struct UniqueId {
  char path[128];
};

struct Config {
  size_t size;
  unsigned magic, version;
  int blocking;
};

struct Transfer {
  int peer;
  bool sends;
  char* data;
  size_t left;
};

struct Comm {
  int size, rank;
  Shared* shared = nullptr;
  std::atomic<int> state{kInProgress};
  std::atomic<bool> aborted{false};
  std::atomic<int> underWay{0};
  std::atomic<long> operations{0};
  ~Comm() {
    if (shared) ::munmap(shared, sizeof(Shared));
  }
};
using CommHandle = std::shared_ptr<Comm>;

long fromEnvironment(const char* name, long otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atol(text) : otherwise;
}

void waitABit() {
  std::this_thread::sleep_for(std::chrono::microseconds(50));
}

bool isGone(int pid) {
  return ::kill(pid, 0) != 0 && errno == ESRCH;
}

bool anyoneGone(const Comm& comm) {
  for (int rank = 0; rank < comm.size; ++rank) {
    if (isGone(comm.shared->pids[rank])) return true;
  }
  return false;
}

/// As a kernel that spins.
void stayUntilAborted(const Comm& comm) {
  while (!comm.aborted) waitABit();
}

bool progress(Comm& comm, Transfer& transfer) {
  Ring& ring =
      transfer.sends ? comm.shared->rings[comm.rank][transfer.peer] : comm.shared->rings[transfer.peer][comm.rank];
  bool moved = false;
  while (transfer.left > 0) {
    const uint64_t written = ring.written;
    const uint64_t taken = ring.taken;
    const uint64_t at = transfer.sends ? written : taken;
    const size_t there = transfer.sends ? kRingBytes - (written - taken) : written - taken;
    const size_t some = std::min({there, kRingBytes - at % kRingBytes, transfer.left});
    if (some == 0) break;
    char* const inRing = ring.bytes + at % kRingBytes;
    std::memcpy(transfer.sends ? inRing : transfer.data, transfer.sends ? transfer.data : inRing, some);
    (transfer.sends ? ring.written : ring.taken) += some;
    transfer.data += some;
    transfer.left -= some;
    moved = true;
  }
  return moved;
}

/// Those to or from one peer go one after the other.
bool isFirstOfItsKind(const std::vector<Transfer>& transfers, size_t index) {
  for (size_t i = 0; i < index; ++i) {
    const Transfer& before = transfers[i];
    if (before.left > 0 && before.peer == transfers[index].peer && before.sends == transfers[index].sends) return false;
  }
  return true;
}

/// False when the communicator was aborted meanwhile.
bool exchange(Comm& comm, std::vector<Transfer> transfers) {
  for (int idle = 0;;) {
    bool moved = false;
    bool left = false;
    for (size_t i = 0; i < transfers.size(); ++i) {
      if (transfers[i].left == 0) continue;
      if (isFirstOfItsKind(transfers, i)) moved |= progress(comm, transfers[i]);
      left |= transfers[i].left > 0;
    }
    if (!left) return true;
    if (comm.aborted) return false;
    if (moved) {
      idle = 0;
      continue;
    }
    if (++idle % 100 == 0 && anyoneGone(comm)) {
      comm.state = kRemoteError;
      stayUntilAborted(comm);
      return false;
    }
    waitABit();
  }
}

float floatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

struct Bfloat16 {
  uint16_t bits;
  operator float() const { return floatOf(uint32_t{bits} << 16); }
  static Bfloat16 of(float value) {
    const uint32_t bits32 = bitsOf(value);
    return {static_cast<uint16_t>((bits32 + 0x7fff + ((bits32 >> 16) & 1)) >> 16)};
  }
};
/// Of normal numbers and zero: tests have no others.
struct Float16 {
  uint16_t bits;
  operator float() const {
    const uint32_t magnitude = bits & 0x7fffU;
    const float value =
        magnitude < 0x400 ? static_cast<float>(magnitude) * 0x1p-24F : floatOf((magnitude << 13) + (112U << 23));
    return bits & 0x8000U ? -value : value;
  }
  static Float16 of(float value) {
    const uint32_t bits32 = bitsOf(value);
    const uint32_t magnitude = bits32 & 0x7fffffffU;
    const uint32_t normal = (magnitude + 0xfff + ((magnitude >> 13) & 1) - (112U << 23)) >> 13;
    const uint32_t small = bitsOf(floatOf(magnitude) + 0.5F) - 0x3f000000U;
    return {static_cast<uint16_t>((magnitude < 0x38800000U ? small : normal) | ((bits32 >> 16) & 0x8000U))};
  }
};

template <typename Wide>
Wide combine(Op op, Wide a, Wide b) {
  switch (op) {
    case kProduct:
      return a * b;
    case kMax:
      return a < b ? b : a;
    case kMin:
      return b < a ? b : a;
    default:
      return a + b;
  }
}

/// `all` has the values of each rank, one after the other: combined in the order of the ranks.
template <typename T>
void combineAll(char* out, const std::vector<char>& all, size_t count, Op op, int ranks) {
  const auto* values = reinterpret_cast<const T*>(all.data());
  auto* results = reinterpret_cast<T*>(out);
  for (size_t i = 0; i < count; ++i) {
    if constexpr (std::is_arithmetic_v<T>) {
      T total = values[i];
      for (int rank = 1; rank < ranks; ++rank)
        total = combine(op, total, values[static_cast<size_t>(rank) * count + i]);
      results[i] = op == kAverage ? static_cast<T>(total / static_cast<T>(ranks)) : total;
    } else {
      float total = values[i];
      for (int rank = 1; rank < ranks; ++rank)
        total = combine(op, total, static_cast<float>(values[static_cast<size_t>(rank) * count + i]));
      results[i] = T::of(op == kAverage ? total / static_cast<float>(ranks) : total);
    }
  }
}

size_t sizeOf(int dtype) {
  constexpr size_t kSizes[] = {1, 1, 4, 4, 8, 8, 2, 4, 8, 2};
  return kSizes[dtype];
}

void combineAll(char* out, const std::vector<char>& all, size_t count, int dtype, Op op, int ranks) {
  switch (dtype) {
    case 0:
      return combineAll<int8_t>(out, all, count, op, ranks);
    case 1:
      return combineAll<uint8_t>(out, all, count, op, ranks);
    case 2:
      return combineAll<int32_t>(out, all, count, op, ranks);
    case 4:
      return combineAll<int64_t>(out, all, count, op, ranks);
    case 6:
      return combineAll<Float16>(out, all, count, op, ranks);
    case 7:
      return combineAll<float>(out, all, count, op, ranks);
    case 8:
      return combineAll<double>(out, all, count, op, ranks);
    case 9:
      return combineAll<Bfloat16>(out, all, count, op, ranks);
    default:
      std::abort();
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
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  void* mapped = fd < 0 ? MAP_FAILED : ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0) ::close(fd);
  if (mapped == MAP_FAILED) {
    comm->state = kSystemError;
    return;
  }
  comm->shared = static_cast<Shared*>(mapped);
  comm->shared->pids[comm->rank] = ::getpid();
  for (int rank = 0; rank < comm->size; ++rank) {
    while (comm->shared->pids[rank] == 0 && !comm->aborted) waitABit();
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
  const char* folder = std::getenv("TMPDIR");
  std::memset(id, 0, sizeof *id);
  std::snprintf(id->path, sizeof id->path, "%.90s/tsring-fake-nccl-XXXXXX", folder ? folder : "/tmp");
  const int fd = ::mkstemp(id->path);
  if (fd < 0) return kSystemError;
  const bool sized = ::ftruncate(fd, sizeof(Shared)) == 0;
  ::close(fd);
  return sized ? kSuccess : kSystemError;
}
int ncclCommInitRankConfig(CommHandle** out, int size, UniqueId id, int rank, Config* config) {
  if (config->magic != 0xcafebeef || config->blocking != 0) return refuse("the fake is for non-blocking communicators");
  if (size > kMostRanks || rank < 0 || rank >= size) return refuse("no such rank");
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
