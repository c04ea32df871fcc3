#include <napi.h>

#include <string>

#include "kernel/take_largest.h"
#include "napi/arguments.h"
#include "napi/device_buffer_wrap.h"
#include "napi/instance.h"
#include "napi/session_wrap.h"
#include "tensorflow/register_ops.h"

namespace tsring {
namespace {

Napi::Value setErrorClass(const Napi::CallbackInfo& info) {
  if (!info[0].IsFunction()) throw Napi::TypeError::New(info.Env(), "errorClass must be a class");
  Instance::of(info.Env()).setErrorClass(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

Napi::Value registerOps(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), std::string(registerTensorflowOps().message()));
}

Napi::Value describeWork(const Napi::CallbackInfo& info) {
  constexpr int64_t kMost = int64_t{1} << 40;
  const Napi::Object what = requireObject(info[0], "the allreduce");
  const Work work =
      workOf(parseAlgorithm(what, "algorithm"), static_cast<size_t>(requireInteger(what, "ranks", 1, kMost)),
             static_cast<uint64_t>(requireInteger(what, "bytes", 0, kMost)));
  auto result = Napi::Object::New(info.Env());
  result.Set("steps", Napi::Number::New(info.Env(), static_cast<double>(work.steps)));
  result.Set("movedBytes", Napi::Number::New(info.Env(), static_cast<double>(work.movedBytes)));
  result.Set("combinedBytes", Napi::Number::New(info.Env(), static_cast<double>(work.combinedBytes)));
  return result;
}

Napi::Value reductionNumberOf(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), reductionNumber(info));
}

Napi::Value takeLargestOf(const Napi::CallbackInfo& info) {
  const auto owed = requireFloats(info[0], "owed");
  const auto added = requireFloats(info[1], "added");
  const auto indices = requireInt32s(info[2], "indices");
  const auto values = requireFloats(info[3], "values");
  if (added.size() != owed.size() || values.size() != indices.size() || indices.size() > owed.size())
    throw Napi::TypeError::New(info.Env(),
                               "owed and added are as long, and values as indices, of which there are no more");
  takeLargest(owed, added, indices, values);
  return info.Env().Undefined();
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData<Instance>(new Instance(env));  // NOLINT: the environment deletes it
  exports.Set("version", Napi::String::New(env, TSRING_VERSION));
  exports.Set("setErrorClass", Napi::Function::New(env, setErrorClass));
  exports.Set("registerTensorflowOps", Napi::Function::New(env, registerOps));
  exports.Set("takeLargest", Napi::Function::New(env, takeLargestOf));
  exports.Set("reductionNumber", Napi::Function::New(env, reductionNumberOf));
  exports.Set("workOf", Napi::Function::New(env, describeWork));
  exports.Set("Session", SessionWrap::define(env));
  const Napi::Function deviceBuffer = DeviceBufferWrap::define(env);
  Instance::of(env).setDeviceBufferClass(deviceBuffer);
  exports.Set("DeviceBuffer", deviceBuffer);
  exports.Set("probeGpus", Napi::Function::New(env, probeGpus));
  return exports;
}

}  // namespace
}  // namespace tsring

Napi::Object InitializeAddon(Napi::Env env, Napi::Object exports) {
  return tsring::initialize(env, exports);
}
NODE_API_MODULE(tsring, InitializeAddon)
