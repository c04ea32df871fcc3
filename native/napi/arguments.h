#pragma once

#include <napi.h>

#include <span>
#include <string>
#include <vector>

#include "engine/request.h"
#include "engine/session.h"

namespace tsring {

/// Between every two ranks, as the table of settings has it (lib/settings.ts).
inline constexpr int64_t kMostSockets = 64;
inline constexpr int64_t kMostNcclStreams = 16;

// JavaScript values to C++ ones. Wrong ones throw a TypeError that names the argument.

Napi::Object requireObject(const Napi::Value& value, const char* name);
std::string requireString(const Napi::Object& object, const char* key);
int64_t requireInteger(const Napi::Object& object, const char* key, int64_t least, int64_t most);

Algorithm parseAlgorithm(const Napi::Object& object, const char* key);
SessionOptions parseSessionOptions(const Napi::Value& value);
std::vector<PeerAddress> parsePeers(const Napi::Value& value);
RequestHeader parseRequestHeader(const Napi::Object& request);
/// A dtype and an operation, given by name, as one number.
uint32_t reductionNumber(const Napi::CallbackInfo& info);
/// The positional arguments of an allreduce of one array: name, reductionNumber, input, and output, which is an array,
/// true where it is the input, or undefined.
struct ArrayReduction {
  RequestHeader header;
  std::vector<Shape> shapes;
  std::vector<TensorBuffer> tensors;
  size_t bytes;
};
ArrayReduction parseArrayReduction(const Napi::CallbackInfo& info);
/// The one positional argument of a barrier: its name.
RequestHeader parseBarrier(const Napi::CallbackInfo& info);

/// The memory of a typed array, good while the array is.
std::span<float> requireFloats(const Napi::Value& value, const char* name);
std::span<int32_t> requireInt32s(const Napi::Value& value, const char* name);

std::vector<Shape> parseShapes(const Napi::Value& value);

/// The memory of each input and output, checked against dtype and shape. The arrays must be kept alive while it is
/// used.
std::vector<TensorBuffer> parseTensors(const Napi::Object& request, const RequestHeader& header,
                                       const std::vector<Shape>& shapes);

}  // namespace tsring
