#pragma once

#include <napi.h>

#include <memory>

#include "nccl/device_memory.h"

namespace tsring {

/// The `DeviceBuffer` class of lib/native/binding.ts: a run of a GPU's memory.
class DeviceBufferWrap : public Napi::ObjectWrap<DeviceBufferWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit DeviceBufferWrap(const Napi::CallbackInfo& info);

  /// A new one over memory that the engine has provided, which `keep` keeps.
  static Napi::Value over(Napi::Env env, int device, std::byte* data, size_t bytes, std::shared_ptr<std::byte> keep);
  /// The memory of a value that is one. Throws a TypeError that names `what`, for anything else or one that was freed.
  static std::shared_ptr<DeviceMemory> memoryOf(const Napi::Value& value, const std::string& what);

 private:
  Napi::Value address(const Napi::CallbackInfo& info);
  Napi::Value write(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value free(const Napi::CallbackInfo& info);

  std::shared_ptr<DeviceMemory> memory_;
};

/// What there is of CUDA and NCCL, for `probeGpus` of lib/native/binding.ts.
Napi::Value probeGpus(const Napi::CallbackInfo& info);

}  // namespace tsring
