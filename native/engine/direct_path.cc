#include "engine/direct_path.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "kernel/reduce.h"

namespace tsring {
namespace {

uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15U;
  return hash ^ hash >> 32;
}

uint64_t mixText(uint64_t hash, std::string_view text) {
  hash = mix(hash, text.size());
  for (; !text.empty(); text.remove_prefix(std::min(text.size(), sizeof hash))) {
    uint64_t word = 0;
    std::memcpy(&word, text.data(), std::min(text.size(), sizeof word));
    hash = mix(hash, word);
  }
  return hash;
}

size_t byteSize(const Operation& operation) {
  return elementCount(operation.request.shapes.front()) * elementSize(operation.request.header.dtype);
}

CombinePayloads combining(const Operation& operation) {
  return [&header = operation.request.header](std::byte* into, const std::byte* left, const std::byte* right,
                                              size_t bytes) {
    combine(header.op, header.dtype, into, left, right, bytes / elementSize(header.dtype));
  };
}

}  // namespace

uint64_t fingerprintOf(const Request& request) {
  const RequestHeader& header = request.header;
  uint64_t hash = mix(request.shapes.size(),
                      static_cast<uint64_t>(header.kind) | static_cast<uint64_t>(header.dtype) << 8 |
                          static_cast<uint64_t>(header.op) << 16 | static_cast<uint64_t>(header.rootRank) << 32);
  if (header.prescale != 1 || header.postscale != 1) {
    hash = mix(hash, std::bit_cast<uint64_t>(header.prescale));
    hash = mix(hash, std::bit_cast<uint64_t>(header.postscale));
  }
  for (const int64_t rows : header.splits) hash = mix(hash, static_cast<uint64_t>(rows));
  hash = mix(hash, static_cast<uint64_t>(header.payload) | static_cast<uint64_t>(header.memory) << 8);
  hash = mixText(hash, header.name);
  for (const Shape& shape : request.shapes) {
    hash = mix(hash, shape.size());
    for (const int64_t extent : shape) hash = mix(hash, static_cast<uint64_t>(extent));
  }
  return hash;
}

std::optional<Outcome> DirectPath::tryRun(Operation& operation, uint64_t record) {
  const bool small = travelsWithOffer(operation);
  const bool hasData = small && !operation.tensors.empty();
  const auto payload =
      hasData ? std::span(operation.tensors.front().input, byteSize(operation)) : std::span<const std::byte>();
  const auto passed = agreement_.tryPass({fingerprintOf(operation.request), payload, combining(operation)});
  if (!passed.ok()) {
    const RequestHeader& header = operation.request.header;
    const Status failed = executor_.failed(header, passed.status().withPrefix(describe(header) + ": "));
    recorder_.ended(record, failed);
    return Outcome{failed, {}, {}, nullptr};
  }
  if (!passed.value()) {
    recorder_.tookTheLongWay(record);
    return std::nullopt;
  }
  if (small) {
    Outcome outcome = hasData ? combineOffers(operation) : Outcome{Status::okay(), {}, {}, nullptr};
    recorder_.travelled(record);
    return outcome;
  }
  recorder_.agreed(record);
  // All asked for the same, shapes and splits and all.
  operation.shapesByRank.assign(size_, operation.request.shapes);
  operation.splitsByRank.assign(size_, operation.request.header.splits);
  Outcome outcome = executor_.perform(operation, record);
  recorder_.ended(record, outcome.status);
  return outcome;
}

bool DirectPath::travelsWithOffer(const Operation& operation) const {
  if (operation.request.header.kind == OperationKind::kBarrier)
    return true;                 // that all have come is all there is to it
  if (size_ == 1) return false;  // there is nobody to travel to
  const RequestHeader& header = operation.request.header;
  // What is compressed has the same bits whichever way it goes.
  const bool plain = header.op != ReduceOp::kAdasum && header.prescale == 1 && header.postscale == 1 &&
                     !header.compresses() && !header.onDevice();
  return header.kind == OperationKind::kAllreduce && plain && operation.tensors.size() == 1 &&
         byteSize(operation) <= agreement_.payloadBytes();
}

Outcome DirectPath::combineOffers(Operation& operation) {
  const RequestHeader& header = operation.request.header;
  const size_t bytes = byteSize(operation);
  const size_t count = bytes / elementSize(header.dtype);
  Outcome outcome;
  outcome.shapes = std::move(operation.request.shapes);
  const TensorBuffer& tensor = operation.tensors.front();
  std::byte* out = tensor.output;
  if (!out) {
    outcome.memory = executor_.memory(bytes);
    out = outcome.memory->data();
    outcome.data.push_back(out);
  }
  if (const auto combined = agreement_.combined()) {
    if (bytes > 0) std::memcpy(out, combined->data(), bytes);
    if (header.op == ReduceOp::kAverage) divideBy(header.dtype, out, count, static_cast<int>(size_));
  } else {
    for (size_t rank = 0; rank < size_; ++rank) inputs_[rank] = agreement_.offerOf(rank).payload.data();
    combineMany(header.op, header.dtype, out, inputs_, count, static_cast<int>(size_));
  }
  if (tensor.take) {
    tensor.take(0, {out, bytes});
    return {Status::okay(), std::move(outcome.shapes), {}, nullptr};
  }
  return outcome;
}

}  // namespace tsring
