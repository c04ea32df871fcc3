// A fake libcuda.so.1, for tests where there is no GPU. "Device memory" is memory of the process at addresses that
// cannot be read: what comes from cuMemAlloc lies kOffset above the bytes it stands for. Each stream has a thread that
// works its queue off. Kernels are those of kernels.cu, compiled for the CPU.
//
// Variables: FAKE_CUDA_INIT (what cuInit returns), FAKE_CUDA_DEVICES (how many, 1), FAKE_CUDA_GPU (a number that makes
// the UUID; the process id unless given), FAKE_CUDA_MODULE (what cuModuleLoadData returns), FAKE_CUDA_UNIFIED (main
// memory counts as the GPU's, too), FAKE_CUDA_FETCH_AWAITS_STORE (a copy of so many bytes or more into pinned memory
// does not end before one out of it that began later), FAKE_CUDA_POINTERS_ON (the GPU that addresses are said to be of,
// 0).
#include "fake_cuda.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr size_t kBytes = size_t{8} << 30;  // reserved, not used
constexpr int kSuccess = 0;
constexpr int kInvalidValue = 1;
constexpr int kOutOfMemory = 2;
constexpr int kNotInitialized = 3;
constexpr int kInvalidContext = 201;
constexpr int kInvalidImage = 200;
constexpr int kNotFound = 500;
constexpr int kNotReady = 600;

std::atomic<unsigned long> kernels = 0;
std::atomic<unsigned long> stores = 0;  // out of pinned memory
thread_local int contexts = 0;
thread_local unsigned hostRow = 0;

int fromEnvironment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

/// The GPU's memory: first the bytes, then as many addresses that stand for them.
class Memory {
 public:
  bool begin() {
    const std::lock_guard lock(mutex_);
    if (base_) return true;
    void* base = ::mmap(nullptr, 2 * kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED || ::mprotect(base, kBytes, PROT_READ | PROT_WRITE) != 0) return false;
    base_ = static_cast<char*>(base);
    return true;
  }
  int allocate(uint64_t* address, size_t bytes) {
    const std::lock_guard lock(mutex_);
    const size_t rounded = (bytes + 511) / 512 * 512;
    const auto fits = std::find_if(free_.begin(), free_.end(), [&](const auto& run) { return run.second >= rounded; });
    size_t at = end_;
    if (fits != free_.end()) {
      at = fits->first;
      used_[at] = fits->second;
      free_.erase(fits);
    } else {
      if (end_ + rounded > kBytes) return kOutOfMemory;
      used_[at] = rounded;
      end_ += rounded;
    }
    *address = reinterpret_cast<uint64_t>(base_ + kBytes + at);
    return kSuccess;
  }
  int release(uint64_t address) {
    const std::lock_guard lock(mutex_);
    const auto found = used_.find(reinterpret_cast<char*>(address) - base_ - kBytes);
    if (found == used_.end()) return kInvalidValue;
    free_.insert(*found);
    used_.erase(found);
    return kSuccess;
  }
  bool isDevice(const void* pointer) const {
    static const bool unified = fromEnvironment("FAKE_CUDA_UNIFIED", 0) != 0;
    return unified || isReserved(pointer);
  }
  bool isReserved(const void* pointer) const {
    const auto* at = static_cast<const char*>(pointer);
    return base_ && at >= base_ + kBytes && at < base_ + 2 * kBytes;
  }
  void* host(const void* device) const {
    if (!device) return nullptr;
    if (!isDevice(device)) {
      std::fprintf(stderr, "fake CUDA: %p is not on the device\n", device);
      std::abort();
    }
    if (!isReserved(device)) return const_cast<void*>(device);
    return const_cast<char*>(static_cast<const char*>(device)) - kBytes;
  }

 private:
  std::mutex mutex_;
  char* base_ = nullptr;
  size_t end_ = 512;
  std::map<size_t, size_t> used_, free_;
};

Memory& memory() {
  static auto* const memory = new Memory;  // lasts as long as the streams' threads
  return *memory;
}

/// Main memory that the driver has pinned.
class Pinned {
 public:
  void* allocate(size_t bytes) {
    const std::lock_guard lock(mutex_);
    void* const data = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    if (data) runs_[static_cast<char*>(data)] = bytes;
    return data;
  }
  bool release(void* data) {
    const std::lock_guard lock(mutex_);
    if (runs_.erase(static_cast<char*>(data)) == 0) return false;
    std::free(data);
    return true;
  }
  bool holds(const void* data, size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto* at = static_cast<const char*>(data);
    return std::any_of(runs_.begin(), runs_.end(),
                       [&](const auto& run) { return at >= run.first && at + bytes <= run.first + run.second; });
  }

 private:
  std::mutex mutex_;
  std::map<char*, size_t> runs_;
};

Pinned& pinned() {
  static auto* const pinned = new Pinned;
  return *pinned;
}

/// The queue of a stream, shared with its thread.
struct Queue {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> work;
  bool ending = false;

  void run() {
    for (;;) {
      std::function<void()> next;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return ending || !work.empty(); });
        if (work.empty()) return;
        next = std::move(work.front());
        work.pop_front();
      }
      next();
    }
  }
};

struct Event {
  std::mutex mutex;
  std::condition_variable changed;
  uint64_t recorded = 0;
  uint64_t reached = 0;
};

template <typename T>
T* hostPointer(T* device) {
  return static_cast<T*>(memory().host(device));
}

}  // namespace

struct CudaStreamHandle {
  std::shared_ptr<Queue> queue = std::make_shared<Queue>();
};
struct CudaEventHandle {
  std::shared_ptr<Event> event = std::make_shared<Event>();
};
struct CudaModule {
  std::string ptx;
};

#define TSRING_HOST_KERNELS
#define TSRING_HOST_POINTER(pointer) hostPointer(pointer)
#include "../../nccl/kernels.cu"

struct CudaFunction {
  const char* name;
  void (*run)(const Segment*, double);
};

namespace {

CudaFunction functions[] = {
    {"tsring_copy", tsring_copy},
    {"tsring_scale_float32", tsring_scale_float32},
    {"tsring_scale_float64", tsring_scale_float64},
    {"tsring_scale_float16", tsring_scale_float16},
    {"tsring_scale_bfloat16", tsring_scale_bfloat16},
    {"tsring_scale_uint8", tsring_scale_uint8},
    {"tsring_scale_int8", tsring_scale_int8},
    {"tsring_scale_uint16", tsring_scale_uint16},
    {"tsring_scale_int16", tsring_scale_int16},
    {"tsring_scale_int32", tsring_scale_int32},
    {"tsring_scale_int64", tsring_scale_int64},
    {"tsring_narrow_float16", tsring_narrow_float16},
    {"tsring_narrow_bfloat16", tsring_narrow_bfloat16},
    {"tsring_widen_float16", tsring_widen_float16},
    {"tsring_widen_bfloat16", tsring_widen_bfloat16},
};

}  // namespace

void fakeCudaEnqueue(CudaStreamHandle* stream, std::function<void()> work) {
  {
    const std::lock_guard lock(stream->queue->mutex);
    stream->queue->work.push_back(std::move(work));
  }
  stream->queue->changed.notify_one();
}

unsigned long fakeCudaKernels() {
  return kernels;
}

void* fakeCudaHost(const void* device) {
  return memory().host(device);
}

extern "C" {

int cuInit(unsigned) {
  if (const int result = fromEnvironment("FAKE_CUDA_INIT", 0)) return result;
  return memory().begin() ? kSuccess : kOutOfMemory;
}
int cuDriverGetVersion(int* version) {
  *version = 12040;
  return kSuccess;
}
int cuGetErrorName(int result, const char** name) {
  *name = result == kSuccess ? "CUDA_SUCCESS" : "FAKE_CUDA_ERROR";
  return kSuccess;
}
int cuGetErrorString(int result, const char** words) {
  *words = result == kSuccess ? "no error" : "an error of the fake driver";
  return kSuccess;
}
int cuDeviceGetCount(int* count) {
  *count = fromEnvironment("FAKE_CUDA_DEVICES", 1);
  return memory().begin() ? kSuccess : kNotInitialized;
}
int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return ordinal < fromEnvironment("FAKE_CUDA_DEVICES", 1) ? kSuccess : kInvalidValue;
}
int cuDeviceGetName(char* name, int length, int) {
  std::snprintf(name, static_cast<size_t>(length), "Fake GPU");
  return kSuccess;
}
int cuDeviceGetUuid_v2(unsigned char* uuid, int device) {
  const int gpu = fromEnvironment("FAKE_CUDA_GPU", static_cast<int>(::getpid()));
  std::memset(uuid, 0, 16);
  std::memcpy(uuid, &gpu, sizeof gpu);
  uuid[15] = static_cast<unsigned char>(device);
  return kSuccess;
}
int cuDevicePrimaryCtxRetain(void** context, int) {
  *context = &memory();
  return kSuccess;
}
int cuDevicePrimaryCtxRelease_v2(int) {
  return kSuccess;
}
int cuCtxPushCurrent_v2(void*) {
  ++contexts;
  return kSuccess;
}
int cuCtxPopCurrent_v2(void**) {
  --contexts;
  return kSuccess;
}
int cuCtxSynchronize() {
  return contexts == 0 ? kInvalidContext : kSuccess;  // all that is not ours is done at once
}
int cuPointerGetAttribute(void* data, int attribute, uint64_t address) {
  if (contexts == 0) return kInvalidContext;
  if (!memory().isDevice(reinterpret_cast<const void*>(address))) return kInvalidValue;
  if (attribute != 2 && attribute != 9) return kInvalidValue;
  *static_cast<int*>(data) = attribute == 2 ? 2 : fromEnvironment("FAKE_CUDA_POINTERS_ON", 0);
  return kSuccess;
}
int cuMemAlloc_v2(uint64_t* address, size_t bytes) {
  if (contexts == 0) return kInvalidContext;
  return bytes == 0 ? kInvalidValue : memory().allocate(address, bytes);
}
int cuMemFree_v2(uint64_t address) {
  return contexts == 0 ? kInvalidContext : memory().release(address);
}
int cuMemHostAlloc(void** data, size_t bytes, unsigned) {
  if (contexts == 0) return kInvalidContext;
  *data = pinned().allocate(bytes);
  return *data ? kSuccess : kOutOfMemory;
}
int cuMemFreeHost(void* data) {
  if (contexts == 0) return kInvalidContext;
  return pinned().release(data) ? kSuccess : kInvalidValue;
}
// As the real driver: memory that is not pinned is read at once, for which it may wait for the stream; this one does.
// Pinned memory is read when its turn comes.
int cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, CudaStreamHandle* stream) {
  if (contexts == 0) return kInvalidContext;
  auto* const device = reinterpret_cast<void*>(to);
  if (!memory().isDevice(device) || memory().isReserved(from)) return kInvalidValue;
  if (pinned().holds(from, bytes)) {
    fakeCudaEnqueue(stream, [=] {
      std::memcpy(memory().host(device), from, bytes);
      ++stores;
    });
    return kSuccess;
  }
  std::promise<void> done;
  fakeCudaEnqueue(stream, [&] {
    std::memcpy(memory().host(device), from, bytes);
    done.set_value();
  });
  done.get_future().wait();
  return kSuccess;
}
int cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, CudaStreamHandle* stream) {
  if (contexts == 0) return kInvalidContext;
  const auto* const device = reinterpret_cast<const void*>(from);
  if (!memory().isDevice(device) || memory().isReserved(to)) return kInvalidValue;
  const auto least = static_cast<size_t>(fromEnvironment("FAKE_CUDA_FETCH_AWAITS_STORE", 0));
  const bool awaitsStore = least > 0 && bytes >= least && pinned().holds(to, bytes);
  fakeCudaEnqueue(stream, [=, before = stores.load()] {
    while (awaitsStore && stores == before) std::this_thread::sleep_for(std::chrono::microseconds(50));
    std::memcpy(to, memory().host(device), bytes);
  });
  return kSuccess;
}
int cuStreamCreate(CudaStreamHandle** stream, unsigned) {
  if (contexts == 0) return kInvalidContext;
  *stream = new CudaStreamHandle;
  std::thread([queue = (*stream)->queue] { queue->run(); }).detach();
  return kSuccess;
}
int cuStreamDestroy_v2(CudaStreamHandle* stream) {
  {
    const std::lock_guard lock(stream->queue->mutex);
    stream->queue->ending = true;
    stream->queue->changed.notify_one();
  }
  delete stream;
  return kSuccess;
}
int cuEventCreate(CudaEventHandle** event, unsigned) {
  *event = new CudaEventHandle;
  return kSuccess;
}
int cuEventDestroy_v2(CudaEventHandle* event) {
  delete event;
  return kSuccess;
}
int cuEventRecord(CudaEventHandle* handle, CudaStreamHandle* stream) {
  if (contexts == 0) return kInvalidContext;
  uint64_t number;
  {
    const std::lock_guard lock(handle->event->mutex);
    number = ++handle->event->recorded;
  }
  fakeCudaEnqueue(stream, [event = handle->event, number] {
    const std::lock_guard lock(event->mutex);
    event->reached = number;
    event->changed.notify_all();
  });
  return kSuccess;
}
int cuStreamWaitEvent(CudaStreamHandle* stream, CudaEventHandle* handle, unsigned) {
  if (contexts == 0) return kInvalidContext;
  uint64_t number;
  {
    const std::lock_guard lock(handle->event->mutex);
    number = handle->event->recorded;
  }
  fakeCudaEnqueue(stream, [event = handle->event, number] {
    std::unique_lock lock(event->mutex);
    event->changed.wait(lock, [&] { return event->reached >= number; });
  });
  return kSuccess;
}
int cuEventQuery(CudaEventHandle* handle) {
  const std::lock_guard lock(handle->event->mutex);
  return handle->event->reached == handle->event->recorded ? kSuccess : kNotReady;
}
int cuModuleLoadData(CudaModule** module, const void* image) {
  if (const int result = fromEnvironment("FAKE_CUDA_MODULE", 0)) return result;
  std::string ptx(static_cast<const char*>(image));
  if (ptx.find(".version ") == std::string::npos) return kInvalidImage;
  *module = new CudaModule{std::move(ptx)};
  return kSuccess;
}
int cuModuleUnload(CudaModule* module) {
  delete module;
  return kSuccess;
}
int cuModuleGetFunction(CudaFunction** function, CudaModule* module, const char* name) {
  if (module->ptx.find(".entry " + std::string(name) + "(") == std::string::npos) return kNotFound;
  const auto found = std::find_if(std::begin(functions), std::end(functions),
                                  [&](const CudaFunction& one) { return std::strcmp(one.name, name) == 0; });
  if (found == std::end(functions)) return kNotFound;
  *function = found;
  return kSuccess;
}
int cuLaunchKernel(CudaFunction* function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                   unsigned blockY, unsigned blockZ, unsigned, CudaStreamHandle* stream, void** arguments, void**) {
  if (contexts == 0) return kInvalidContext;
  if (gridX == 0 || gridY == 0 || gridY > 65535 || gridZ != 1 || blockX * blockY * blockZ > 1024) return kInvalidValue;
  const auto* segments = *static_cast<const Segment* const*>(arguments[0]);
  const double factor = *static_cast<const double*>(arguments[1]);
  fakeCudaEnqueue(stream, [=] {
    for (hostRow = 0; hostRow < gridY; ++hostRow) function->run(segments, factor);
    ++kernels;
  });
  return kSuccess;
}
}
