#include "napi/device_buffer_wrap.h"

#include <bit>
#include <string>

#include "napi/arguments.h"
#include "napi/instance.h"
#include "nccl/nccl_api.h"

namespace tsring {
namespace {

constexpr std::chrono::minutes kCopyTime{5};  // a copy to or from a GPU that has not come to an end is stuck
constexpr int64_t kMostBytes = int64_t{1} << 50;

Napi::Error unless(Napi::Env env, const Status& status) {
  return Instance::of(env).error(env, status);
}

std::span<std::byte> bytesOf(const Napi::Value& value) {
  if (!value.IsTypedArray()) throw Napi::TypeError::New(value.Env(), "array must be a typed array");
  const auto array = value.As<Napi::TypedArray>();
  return {static_cast<std::byte*>(array.ArrayBuffer().Data()) + array.ByteOffset(), array.ByteLength()};
}

/// Memory of an engine's block that lasts as long as the block.
std::shared_ptr<DeviceMemory> borrowed(std::shared_ptr<CudaDevice> device, std::byte* data, size_t bytes,
                                       std::shared_ptr<std::byte> keep) {
  auto memory = DeviceMemory::borrow(std::move(device), data, bytes);
  auto* const raw = memory.get();
  return {raw, [memory = std::move(memory), keep = std::move(keep)](DeviceMemory*) mutable {
            memory = nullptr;
            keep = nullptr;
          }};
}

/// Opens GPU `number`, or throws why not.
std::shared_ptr<CudaDevice> openDevice(Napi::Env env, int number) {
  const Result<CudaApi>& cuda = cudaApi();
  if (!cuda.ok()) throw unless(env, cuda.status());
  auto device = CudaDevice::open(cuda.value(), number);
  if (!device.ok()) throw unless(env, device.status());
  return std::move(device).value();
}

}  // namespace

Napi::Function DeviceBufferWrap::define(Napi::Env env) {
  return DefineClass(
      env, "DeviceBuffer",
      {InstanceMethod<&DeviceBufferWrap::address>("address"), InstanceMethod<&DeviceBufferWrap::write>("write"),
       InstanceMethod<&DeviceBufferWrap::read>("read"), InstanceMethod<&DeviceBufferWrap::free>("free")});
}

DeviceBufferWrap::DeviceBufferWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DeviceBufferWrap>(info) {
  const Napi::Env env = info.Env();
  if (info[0].IsExternal()) {  // from `over`
    memory_ = *info[0].As<Napi::External<std::shared_ptr<DeviceMemory>>>().Data();
    return;
  }
  const Napi::Object options = requireObject(info[0], "options");
  const auto device = openDevice(env, static_cast<int>(requireInteger(options, "device", 0, 1 << 20)));
  const auto bytes = static_cast<size_t>(requireInteger(options, "bytes", 0, kMostBytes));
  if (const Napi::Value address = options.Get("address"); address.IsBigInt()) {
    bool lossless = false;
    const uint64_t at = address.As<Napi::BigInt>().Uint64Value(&lossless);
    memory_ = DeviceMemory::borrow(device, std::bit_cast<std::byte*>(at), bytes);
    return;
  }
  auto memory = DeviceMemory::allocate(device, bytes);
  if (!memory.ok()) throw unless(env, memory.status());
  memory_ = std::move(memory).value();
}

Napi::Value DeviceBufferWrap::over(Napi::Env env, int device, std::byte* data, size_t bytes,
                                   std::shared_ptr<std::byte> keep) {
  auto memory = borrowed(openDevice(env, device), data, bytes, std::move(keep));
  return Instance::of(env).newDeviceBuffer(Napi::External<std::shared_ptr<DeviceMemory>>::New(env, &memory));
}

std::shared_ptr<DeviceMemory> DeviceBufferWrap::memoryOf(const Napi::Value& value, const std::string& what) {
  const Napi::Env env = value.Env();
  if (!value.IsObject() || !Instance::of(env).isDeviceBuffer(value.As<Napi::Object>()))
    throw Napi::TypeError::New(env, what + " must be a device buffer");
  auto memory = Unwrap(value.As<Napi::Object>())->memory_;
  if (!memory) throw Napi::TypeError::New(env, what + " was disposed of");
  return memory;
}

Napi::Value DeviceBufferWrap::address(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), memory_ ? std::bit_cast<uint64_t>(memory_->data()) : uint64_t{0});
}

Napi::Value DeviceBufferWrap::write(const Napi::CallbackInfo& info) {
  const auto offset = static_cast<size_t>(info[1].ToNumber().Int64Value());
  const Status done = memoryOf(info.This(), "this")->write(offset, bytesOf(info[0]), Deadline::in(kCopyTime));
  if (!done.ok()) throw unless(info.Env(), done);
  return info.Env().Undefined();
}

Napi::Value DeviceBufferWrap::read(const Napi::CallbackInfo& info) {
  const auto offset = static_cast<size_t>(info[1].ToNumber().Int64Value());
  const Status done = memoryOf(info.This(), "this")->read(offset, bytesOf(info[0]), Deadline::in(kCopyTime));
  if (!done.ok()) throw unless(info.Env(), done);
  return info.Env().Undefined();
}

// What operations under way use stays until they are done.
Napi::Value DeviceBufferWrap::free(const Napi::CallbackInfo& info) {
  memory_ = nullptr;
  return info.Env().Undefined();
}

Napi::Value probeGpus(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto found = Napi::Object::New(env);
  const Result<CudaApi>& cuda = cudaApi();
  auto names = Napi::Array::New(env);
  if (cuda.ok()) {
    for (int i = 0; i < cuda.value().deviceCount; ++i) names.Set(static_cast<uint32_t>(i), openDevice(env, i)->name());
    found.Set("driverVersion", Napi::Number::New(env, cuda.value().driverVersion));
  } else {
    found.Set("cudaReason", std::string(cuda.status().message()));
  }
  found.Set("gpus", names);
  const Result<NcclApi>& nccl = ncclApi(info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "");
  if (nccl.ok()) {
    found.Set("ncclVersion", Napi::Number::New(env, nccl.value().version));
  } else {
    found.Set("ncclReason", std::string(nccl.status().message()));
  }
  return found;
}

}  // namespace tsring
