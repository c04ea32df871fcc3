#include "napi/arguments.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <span>

#include "napi/device_buffer_wrap.h"

namespace tsring {
namespace {

constexpr int64_t kMostRecords = 1 << 20;

[[noreturn]] void refuse(Napi::Env env, const std::string& text) {
  throw Napi::TypeError::New(env, text);
}

/// The value of an enum whose name was given; what it is of, and the names there are, lead the error.
template <typename Enum>
Enum named(Napi::Env env, const char* what, std::string_view name, uint8_t count, std::string_view (*nameOf)(Enum)) {
  for (uint8_t i = 0; i < count; ++i) {
    if (nameOf(static_cast<Enum>(i)) == name) return static_cast<Enum>(i);
  }
  std::string known;
  for (uint8_t i = 0; i < count; ++i) known.append(i ? ", " : "").append(nameOf(static_cast<Enum>(i)));
  refuse(env, std::string(what) + ": \"" + std::string(name) + "\" is not one of " + known);
}

template <typename Enum>
Enum requireName(const Napi::Object& object, const char* key, uint8_t count, std::string_view (*nameOf)(Enum)) {
  return named(object.Env(), key, requireString(object, key), count, nameOf);
}

/// A string of JavaScript, without the copies that a std::string of any length takes.
class ShortString {
 public:
  ShortString(const Napi::Value& value, const char* what) {
    if (napi_get_value_string_utf8(value.Env(), value, text_, sizeof text_, &length_) != napi_ok)
      refuse(value.Env(), std::string(what) + " must be a string");
  }
  std::string_view view() const { return {text_, length_}; }

 private:
  char text_[1024];
  size_t length_ = 0;
};

struct Memory {
  std::byte* data;
  size_t bytes;
};

Memory memoryOf(const Napi::Value& value, DType dtype, std::string_view named) {
  const Napi::Env env = value.Env();
  const auto what = [&] { return std::string(named); };
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok)
    refuse(env, what() + " must be a typed array");
  const auto fits = [&] {
    switch (dtype) {
      case DType::kUint8:
      case DType::kBool:
        return type == napi_uint8_array || type == napi_uint8_clamped_array;
      case DType::kInt32:
        return type == napi_int32_array;
      case DType::kInt64:
        return type == napi_bigint64_array;
      case DType::kFloat32:
        return type == napi_float32_array;
      case DType::kFloat64:
        return type == napi_float64_array;
      case DType::kInt8:
        return type == napi_int8_array;
      case DType::kInt16:
        return type == napi_int16_array;
      case DType::kFloat16:  // JavaScript has no array of 16-bit floats everywhere: their bits
      case DType::kBfloat16:
      case DType::kUint16:
        return type == napi_uint16_array;
    }
    return false;
  };
  if (!fits()) refuse(env, what() + " is not the typed array of dtype " + std::string(dtypeName(dtype)));
  return {static_cast<std::byte*>(data), length * elementSize(dtype)};
}

/// Of a buffer on a GPU, which `keep` keeps.
Memory deviceMemoryOf(const Napi::Value& value, const std::string& what, std::shared_ptr<const void>& keep) {
  const auto memory = DeviceBufferWrap::memoryOf(value, what);
  keep = memory;
  return {memory->data(), memory->bytes()};
}

std::vector<int> parseMembers(const Napi::Value& value, int size) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() != static_cast<uint32_t>(size))
    refuse(value.Env(), "members must be an array, one number a rank");
  std::vector<int> members;
  for (uint32_t i = 0; i < static_cast<uint32_t>(size); ++i) {
    const Napi::Value number = value.As<Napi::Array>().Get(i);
    if (!number.IsNumber()) refuse(value.Env(), "members must be numbers");
    members.push_back(number.As<Napi::Number>().Int32Value());
  }
  return members;
}

/// What a reduction multiplies by; 1 where it is left out.
double factorOf(const Napi::Object& request, const char* key) {
  const Napi::Value value = request.Get(key);
  if (value.IsUndefined()) return 1;
  if (!value.IsNumber()) refuse(request.Env(), std::string(key) + " must be a number");
  return value.As<Napi::Number>().DoubleValue();
}

std::vector<int64_t> wholeNumbers(const Napi::Value& value, const std::string& what) {
  if (!value.IsArray()) refuse(value.Env(), what + " must be an array");
  const auto array = value.As<Napi::Array>();
  std::vector<int64_t> numbers;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    const int64_t number = item.IsNumber() ? item.As<Napi::Number>().Int64Value() : -1;
    if (number < 0) refuse(value.Env(), what + " must have whole numbers from 0");
    numbers.push_back(number);
  }
  return numbers;
}

uint32_t requireCost(const Napi::Object& object, const char* key) {
  return static_cast<uint32_t>(requireInteger(object, key, 0, std::numeric_limits<uint32_t>::max()));
}

Costs parseCosts(const Napi::Value& value) {
  const Napi::Object object = requireObject(value, "costs");
  Costs costs{};
  costs.combinePicoseconds = requireCost(object, "combinePicoseconds");
  for (size_t i = 0; i < kAlgorithmCount; ++i) {
    const std::string name(algorithmName(static_cast<Algorithm>(i)));
    const Napi::Object one = requireObject(object.Get(name), name.c_str());
    costs.of[i] = {requireCost(one, "stepNanoseconds"), requireCost(one, "bytePicoseconds")};
  }
  return costs;
}

bool requireBoolean(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (!value.IsBoolean()) refuse(object.Env(), std::string(key) + " must be true or false");
  return value.As<Napi::Boolean>();
}

void parseDiagnostics(const Napi::Value& value, SessionOptions& options) {
  constexpr int64_t kMostMs = int64_t{1} << 40;
  const Napi::Object object = requireObject(value, "diagnostics");
  options.stallCheck = std::chrono::milliseconds(requireInteger(object, "stallCheckMs", 0, kMostMs));
  options.stallShutdown = std::chrono::milliseconds(requireInteger(object, "stallShutdownMs", 0, kMostMs));
  options.flightRecorderSize = static_cast<size_t>(requireInteger(object, "flightRecorderSize", 0, kMostRecords));
  options.flightRecorderDir = requireString(object, "flightRecorderDir");
  options.checkFinite = requireBoolean(object, "checkFinite");
  options.tuning.checksums = requireBoolean(object, "checksum");
  options.timelineFile = requireString(object, "timelineFile");
}

}  // namespace

Algorithm parseAlgorithm(const Napi::Object& object, const char* key) {
  return requireName<Algorithm>(object, key, kAlgorithmCount, algorithmName);
}

Napi::Object requireObject(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) refuse(value.Env(), std::string(name) + " must be an object");
  return value.As<Napi::Object>();
}

std::string requireString(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (!value.IsString()) refuse(object.Env(), std::string(key) + " must be a string");
  return value.As<Napi::String>().Utf8Value();
}

int64_t requireInteger(const Napi::Object& object, const char* key, int64_t least, int64_t most) {
  const Napi::Value value = object.Get(key);
  const double number =
      value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::numeric_limits<double>::quiet_NaN();
  if (!(number >= static_cast<double>(least) && number <= static_cast<double>(most)) ||
      number != static_cast<double>(static_cast<int64_t>(number))) {
    refuse(object.Env(),
           std::string(key) + " must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return static_cast<int64_t>(number);
}

SessionOptions parseSessionOptions(const Napi::Value& value) {
  const Napi::Object object = requireObject(value, "options");
  constexpr int64_t kMostRanks = 1 << 20;
  constexpr int64_t kMostMs = int64_t{1} << 40;
  SessionOptions options;
  options.size = static_cast<int>(requireInteger(object, "size", 1, kMostRanks));
  options.rank = static_cast<int>(requireInteger(object, "rank", 0, options.size - 1));
  if (!object.Get("members").IsUndefined()) options.members = parseMembers(object.Get("members"), options.size);
  options.jobId = requireString(object, "jobId");
  options.generation =
      static_cast<uint32_t>(requireInteger(object, "generation", 0, std::numeric_limits<uint32_t>::max()));
  options.hostname = requireString(object, "hostname");
  options.timeout = std::chrono::milliseconds(requireInteger(object, "timeoutMs", 1, kMostMs));
  options.heartbeatTimeout = std::chrono::milliseconds(requireInteger(object, "heartbeatTimeoutMs", 1, kMostMs));
  options.cacheCapacity = static_cast<size_t>(requireInteger(object, "cacheCapacity", 0, kMostRecords));
  options.fusionThresholdBytes = static_cast<size_t>(requireInteger(object, "fusionThresholdBytes", 0, kMostMs));
  const std::string level = requireString(object, "logLevel");
  constexpr std::string_view kLevels[] = {"error", "warn", "info", "debug"};
  const auto found = std::ranges::find(kLevels, level);
  if (found == std::end(kLevels))
    refuse(object.Env(), "logLevel: \"" + level + "\" is not one of error, warn, info, debug");
  options.logLevel = static_cast<LogLevel>(found - std::begin(kLevels));
  if (!object.Get("diagnostics").IsUndefined()) parseDiagnostics(object.Get("diagnostics"), options);
  const std::string transport = requireString(object, "transport");
  constexpr std::string_view kTransports[] = {"auto", "tcp", "shm"};
  const auto chosen = std::ranges::find(kTransports, transport);
  if (chosen == std::end(kTransports)) {
    refuse(object.Env(), "transport: \"" + transport + "\" is not one of auto, tcp, shm");
  }
  options.transport = static_cast<Transport>(chosen - std::begin(kTransports));
  options.sockets = static_cast<int>(requireInteger(object, "sockets", 1, kMostSockets));
  options.mostSockets = static_cast<int>(requireInteger(object, "mostSockets", 1, kMostSockets));
  options.encrypt = requireBoolean(object, "encrypt");
  if (!object.Get("gpu").IsUndefined()) {
    const Napi::Object gpu = requireObject(object.Get("gpu"), "gpu");
    options.cudaDevice = static_cast<int>(requireInteger(gpu, "device", 0, kMostRanks));
    options.ncclLibrary = requireString(gpu, "ncclLibrary");
    options.tuning.devicesByHost = requireBoolean(gpu, "byHost");
    options.tuning.numNcclStreams = static_cast<uint32_t>(requireInteger(gpu, "numNcclStreams", 1, kMostNcclStreams));
    options.gpuTensorsByHost = requireBoolean(gpu, "tensorsThroughHost");
  }
  if (!object.Get("algorithm").IsUndefined()) options.tuning.forced = parseAlgorithm(object, "algorithm");
  if (!object.Get("costs").IsUndefined()) options.tuning.costs = parseCosts(object.Get("costs"));
  if (!object.Get("costsSource").IsUndefined()) options.tuningSource = requireString(object, "costsSource");
  const Memory secret = memoryOf(object.Get("secret"), DType::kUint8, "secret");
  if (secret.bytes != options.secret.size()) refuse(object.Env(), "secret must have 32 bytes");
  std::copy_n(secret.data, secret.bytes, options.secret.begin());
  return options;
}

std::span<float> requireFloats(const Napi::Value& value, const char* name) {
  const Memory memory = memoryOf(value, DType::kFloat32, name);
  return {reinterpret_cast<float*>(memory.data), memory.bytes / sizeof(float)};
}

std::span<int32_t> requireInt32s(const Napi::Value& value, const char* name) {
  const Memory memory = memoryOf(value, DType::kInt32, name);
  return {reinterpret_cast<int32_t*>(memory.data), memory.bytes / sizeof(int32_t)};
}

std::vector<PeerAddress> parsePeers(const Napi::Value& value) {
  if (!value.IsArray()) refuse(value.Env(), "peers must be an array");
  const auto array = value.As<Napi::Array>();
  std::vector<PeerAddress> peers;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Object peer = requireObject(array.Get(i), "peer");
    peers.push_back({requireString(peer, "host"), static_cast<uint16_t>(requireInteger(peer, "port", 0, 65535)),
                     requireString(peer, "hostname"), requireString(peer, "hostId")});
  }
  return peers;
}

RequestHeader parseRequestHeader(const Napi::Object& request) {
  RequestHeader header;
  if (!request.Get("memory").IsUndefined())
    header.memory = requireName<MemoryKind>(request, "memory", kMemoryKindCount, memoryName);
  header.kind = requireName<OperationKind>(request, "kind", kOperationKindCount, operationName);
  header.name = requireString(request, "name");
  header.dtype = requireName<DType>(request, "dtype", kDTypeCount, dtypeName);
  if (reduces(header.kind)) {
    header.op = requireName<ReduceOp>(request, "op", kReduceOpCount, reduceOpName);
    header.prescale = factorOf(request, "prescale");
    header.postscale = factorOf(request, "postscale");
  }
  if (header.kind == OperationKind::kAlltoall) header.splits = wholeNumbers(request.Get("splits"), "splits");
  if (!request.Get("payload").IsUndefined())
    header.payload = requireName<DType>(request, "payload", kDTypeCount, dtypeName);
  if (header.kind == OperationKind::kBroadcast) {
    header.rootRank = static_cast<int32_t>(requireInteger(request, "rootRank", 0, std::numeric_limits<int32_t>::max()));
  }
  if (!request.Get("timeoutMs").IsUndefined()) {
    header.timeout = std::chrono::milliseconds(requireInteger(request, "timeoutMs", 1, INT32_MAX));
  }
  if (!request.Get("priority").IsUndefined()) {
    header.priority = static_cast<int32_t>(requireInteger(request, "priority", INT32_MIN, INT32_MAX));
  }
  if (const Napi::Value labels = request.Get("labels"); labels.IsArray()) {
    for (uint32_t i = 0; i < labels.As<Napi::Array>().Length(); ++i) {
      header.labels.push_back(labels.As<Napi::Array>().Get(i).ToString());
    }
  }
  return header;
}

RequestHeader parseBarrier(const Napi::CallbackInfo& info) {
  RequestHeader header;
  header.kind = OperationKind::kBarrier;
  header.name = ShortString(info[0], "name").view();
  header.dtype = DType::kUint8;
  return header;
}

uint32_t reductionNumber(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto dtype = named(env, "dtype", ShortString(info[0], "dtype").view(), kDTypeCount, dtypeName);
  const auto op = named(env, "op", ShortString(info[1], "op").view(), kReduceOpCount, reduceOpName);
  return static_cast<uint32_t>(dtype) * kReduceOpCount + static_cast<uint32_t>(op);
}

ArrayReduction parseArrayReduction(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  ArrayReduction parsed;
  RequestHeader& header = parsed.header;
  header.kind = OperationKind::kAllreduce;
  header.name = ShortString(info[0], "name").view();
  uint32_t number = 0;
  if (napi_get_value_uint32(env, info[1], &number) != napi_ok || number >= kDTypeCount * kReduceOpCount)
    refuse(env, "number must be a reductionNumber");
  header.dtype = static_cast<DType>(number / kReduceOpCount);
  header.op = static_cast<ReduceOp>(number % kReduceOpCount);
  const Memory input = memoryOf(info[2], header.dtype, "input");
  parsed.bytes = input.bytes;
  parsed.shapes.emplace_back(1, static_cast<int64_t>(input.bytes / elementSize(header.dtype)));
  TensorBuffer& tensor = parsed.tensors.emplace_back();
  tensor.input = input.data;
  const napi_valuetype given = info[3].Type();
  if (given == napi_undefined) return parsed;
  if (given == napi_boolean) {
    tensor.output = input.data;
    return parsed;
  }
  const Memory output = memoryOf(info[3], header.dtype, "output");
  if (output.bytes != input.bytes) refuse(env, "output must be as long as input");
  tensor.output = output.data;
  return parsed;
}

std::vector<Shape> parseShapes(const Napi::Value& value) {
  if (!value.IsArray()) refuse(value.Env(), "shapes must be an array");
  const auto array = value.As<Napi::Array>();
  std::vector<Shape> shapes;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    Shape shape = wholeNumbers(array.Get(i), "a shape");
    if (shape.size() > kMaxDimensions) refuse(value.Env(), "a shape of more than 32 dimensions");
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

std::vector<TensorBuffer> parseTensors(const Napi::Object& request, const RequestHeader& header,
                                       const std::vector<Shape>& shapes) {
  const Napi::Env env = request.Env();
  const Napi::Value inputs = request.Get("inputs");
  const Napi::Value outputs = request.Get("outputs");
  if (!inputs.IsArray() || inputs.As<Napi::Array>().Length() != shapes.size())
    refuse(env, "inputs must be an array, one a shape");
  const bool given = !outputs.IsUndefined();
  if (given && (!outputs.IsArray() || outputs.As<Napi::Array>().Length() != shapes.size()))
    refuse(env, "outputs must be an array, one a shape");
  if (given && providesOutputs(header.kind))
    refuse(env, "the outputs of this operation are provided: " + std::string(operationName(header.kind)));
  std::vector<TensorBuffer> tensors;
  for (uint32_t i = 0; i < shapes.size(); ++i) {
    const size_t wanted = elementCount(shapes[i]) * elementSize(header.dtype);
    TensorBuffer tensor;
    const auto check = [&](const Napi::Value& value, const std::string& what) {
      const Memory memory =
          header.onDevice() ? deviceMemoryOf(value, what, tensor.keep) : memoryOf(value, header.dtype, what);
      if (memory.bytes != wanted) {
        refuse(env, what + " has " + std::to_string(memory.bytes) + " bytes, its shape " + describe(shapes[i]) +
                        " needs " + std::to_string(wanted));
      }
      return memory.data;
    };
    tensor.input = check(inputs.As<Napi::Array>().Get(i), "inputs[" + std::to_string(i) + "]");
    if (given) tensor.output = check(outputs.As<Napi::Array>().Get(i), "outputs[" + std::to_string(i) + "]");
    tensors.push_back(tensor);
  }
  return tensors;
}

}  // namespace tsring
