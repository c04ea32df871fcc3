#include "nccl/device_kernels.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <string>
#include <vector>

#include "nccl/kernels_ptx.h"

namespace tsring {
namespace {

struct Kernel {
  const char* name;
  DType from;
  DType to;
};

// The first copies bytes. The order is that of `functions_`.
constexpr std::array<Kernel, 15> kKernels{{
    {"tsring_copy", DType::kUint8, DType::kUint8},
    {"tsring_scale_float32", DType::kFloat32, DType::kFloat32},
    {"tsring_scale_float64", DType::kFloat64, DType::kFloat64},
    {"tsring_scale_float16", DType::kFloat16, DType::kFloat16},
    {"tsring_scale_bfloat16", DType::kBfloat16, DType::kBfloat16},
    {"tsring_scale_uint8", DType::kUint8, DType::kUint8},
    {"tsring_scale_int8", DType::kInt8, DType::kInt8},
    {"tsring_scale_uint16", DType::kUint16, DType::kUint16},
    {"tsring_scale_int16", DType::kInt16, DType::kInt16},
    {"tsring_scale_int32", DType::kInt32, DType::kInt32},
    {"tsring_scale_int64", DType::kInt64, DType::kInt64},
    {"tsring_narrow_float16", DType::kFloat32, DType::kFloat16},
    {"tsring_narrow_bfloat16", DType::kFloat32, DType::kBfloat16},
    {"tsring_widen_float16", DType::kFloat16, DType::kFloat32},
    {"tsring_widen_bfloat16", DType::kBfloat16, DType::kFloat32},
}};
constexpr size_t kCopyBytes = 0;

constexpr size_t kMostSegments = 16384;  // of a launch; a grid has up to 65535 rows
constexpr size_t kMostWaiting = 2 * kMostSegments;
constexpr unsigned kThreads = 256;    // of a block
constexpr size_t kPerThread = 16;     // elements, until there are enough blocks to fill any GPU
constexpr size_t kMostBlocks = 1024;  // of a row

static_assert(sizeof(DeviceCopy) == 24, "kernels.cu has it as Segment");

std::optional<size_t> kernelFor(DType from, DType to) {
  for (size_t i = 1; i < kKernels.size(); ++i) {
    if (kKernels[i].from == from && kKernels[i].to == to) return i;
  }
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<DeviceKernels>> DeviceKernels::load(std::shared_ptr<CudaDevice> device) {
  const CudaApi& api = device->api();
  auto kernels = std::unique_ptr<DeviceKernels>(new DeviceKernels(std::move(device)));
  if (Status s = api.check(api.ModuleLoadData(&kernels->module_, kKernelsPtx), "cuModuleLoadData"); !s.ok()) return s;
  for (size_t i = 0; i < kKernels.size(); ++i) {
    const char* name = kKernels[i].name;
    const CudaResult found = api.ModuleGetFunction(&kernels->functions_[i], kernels->module_, name);
    if (Status s = api.check(found, name); !s.ok()) return s;
  }
  return kernels;
}

DeviceKernels::~DeviceKernels() {
  const CudaDevice::Use use(*device_);
  if (module_ && use.status().ok()) device_->api().ModuleUnload(module_);
}

Result<DeviceKernels::Table> DeviceKernels::makeTable(std::shared_ptr<CudaDevice> device) {
  auto onDevice = DeviceMemory::allocate(device, kMostSegments * sizeof(DeviceCopy));
  if (!onDevice.ok()) return onDevice.status();
  auto waiting = PinnedMemory::allocate(std::move(device), kMostWaiting * sizeof(DeviceCopy));
  if (!waiting.ok()) return waiting.status();
  return Table{std::move(onDevice).value(), std::move(waiting).value()};
}

Status DeviceKernels::copy(CudaStream& stream, Table& table, std::span<const DeviceCopy> copies, DType from, DType to,
                           double factor, Deadline deadline) {
  const bool plain = from == to && factor == 1;
  const auto kernel = plain ? kCopyBytes : kernelFor(from, to);
  if (!kernel) {
    return Status(StatusCode::kUnsupported, "no kernel makes " + std::string(dtypeName(to)) + " of " +
                                                std::string(dtypeName(from)) + " on a GPU");
  }
  const size_t unit = plain ? elementSize(from) : 1;
  std::vector<DeviceCopy> segments;
  for (const DeviceCopy& copy : copies) {
    if (copy.count == 0 || (plain && copy.from == copy.to)) continue;
    segments.push_back({copy.to, copy.from, copy.count * unit});
  }
  for (std::span<const DeviceCopy> left(segments); !left.empty();) {
    const auto some = left.first(std::min(left.size(), kMostSegments));
    if (Status s = launch(stream, table, *kernel, some, factor, deadline); !s.ok()) return s;
    left = left.subspan(some.size());
  }
  return Status::okay();
}

Status DeviceKernels::launch(CudaStream& stream, Table& table, size_t kernel, std::span<const DeviceCopy> segments,
                             double factor, Deadline deadline) {
  const CudaApi& api = device_->api();
  if (table.waits + segments.size() > kMostWaiting) {
    if (Status s = stream.finish(deadline); !s.ok()) return s;
    table.waits = 0;
  }
  const auto from = table.waiting->bytes().subspan(table.waits * sizeof(DeviceCopy), segments.size_bytes());
  std::ranges::copy(std::as_bytes(segments), from.begin());
  table.waits += segments.size();
  auto address = std::bit_cast<CudaAddress>(table.onDevice->data());
  const CudaResult sent = api.MemcpyHtoDAsync_v2(address, from.data(), from.size(), stream.handle());
  if (Status s = api.check(sent, "cuMemcpyHtoDAsync"); !s.ok()) return s;
  const size_t longest = std::ranges::max(segments, {}, &DeviceCopy::count).count;
  const size_t blocks = std::clamp<size_t>(longest / (kThreads * kPerThread), 1, kMostBlocks);
  void* arguments[] = {&address, &factor};
  return api.check(
      api.LaunchKernel(functions_[kernel], static_cast<unsigned>(blocks), static_cast<unsigned>(segments.size()), 1,
                       kThreads, 1, 1, 0, stream.handle(), arguments, nullptr),
      kKernels[kernel].name);
}

}  // namespace tsring
