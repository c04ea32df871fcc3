#include "nccl/hierarchical_nccl_backend.h"

#include <algorithm>
#include <bit>
#include <tuple>

#include "kernel/reduce.h"

namespace tsring {
namespace {

constexpr std::chrono::seconds kRestTime{10};
// Through main memory in one go.
constexpr size_t kStagedBytes = 16 << 20;
// Slices begin on such a multiple, or NCCL and the bus move single elements.
constexpr size_t kDeviceAlignment = 16;

}  // namespace

/// Part of the data of an allreduce.
struct HierarchicalNcclBackend::Segment {
  Segment(std::span<std::byte> data, size_t places, size_t place, std::span<std::byte> room);

  std::vector<std::span<std::byte>> slices;  // by place, equally long, end to end
  std::vector<std::span<std::byte>> rest;    // empty but for the last place, which has what is left; or no places
  std::span<std::byte> own;                  // what of this is ours
  std::span<std::byte> staged;               // where it is in main memory
};

HierarchicalNcclBackend::Segment::Segment(std::span<std::byte> data, size_t places, size_t place,
                                          std::span<std::byte> room) {
  const size_t each = places == 1 ? data.size() : data.size() / places / kDeviceAlignment * kDeviceAlignment;
  for (size_t i = 0; i < places; ++i) slices.push_back(data.subspan(i * each, each));
  const auto left = data.subspan(places * each);
  if (!left.empty()) {
    rest.assign(places, left.first(0));
    rest.back() = left;
  }
  own = slices[place];
  if (place == places - 1) own = data.subspan(place * each);
  staged = room.first(own.size());
}

HierarchicalNcclBackend::HierarchicalNcclBackend(std::unique_ptr<NcclBackend> inside, CollectiveBackend& across,
                                                 CollectiveBackend& all, size_t sliceBytes)
    : inside_(std::move(inside)), across_(across), all_(all), sliceBytes_(sliceBytes) {}

// After a failure a copy may still be under way. One that does not end keeps its memory: better a leak than a crash.
HierarchicalNcclBackend::~HierarchicalNcclBackend() {
  if (room_ && !inside_->awaitRest(Deadline::in(kRestTime))) std::ignore = room_.release();
}

// The GPU's work is queued in the order of the calls, so what reads one half of the room is done before what fills it.
Status HierarchicalNcclBackend::allreduce(std::span<std::byte> data, DType dtype, ReduceOp op) {
  if (data.empty()) return Status::okay();
  const size_t places = inside_->size();
  const size_t most = std::min(places * sliceBytes_, data.size());
  const size_t half =
      (most / places / kDeviceAlignment + places + 1) * kDeviceAlignment;  // a slice and what may be left
  const auto room = roomFor(2 * half);
  if (!room.ok()) return room.status();
  const auto segmentAt = [&](size_t index) {
    const size_t begin = index * most;
    return Segment(data.subspan(begin, std::min(most, data.size() - begin)), places, inside_->index(),
                   room.value().subspan(index % 2 * half, half));
  };
  const size_t count = (data.size() + most - 1) / most;
  if (Status s = combineInside(segmentAt(0), dtype, op); !s.ok()) return s;
  for (size_t i = 0; i < count; ++i) {
    if (Status s = inside_->finish(); !s.ok()) return s;
    if (i > 0) {
      if (Status s = handOut(segmentAt(i - 1)); !s.ok()) return s;
    }
    if (i + 1 < count) {
      if (Status s = combineInside(segmentAt(i + 1), dtype, op); !s.ok()) return s;
    }
    if (Status s = combineAcross(segmentAt(i), dtype, op); !s.ok()) return s;
  }
  return handOut(segmentAt(count - 1));
}

// Averages of floats are averages of averages, so that float16 stays in its range; integers are added up and divided
// once.
Status HierarchicalNcclBackend::combineInside(const Segment& segment, DType dtype, ReduceOp op) {
  const ReduceOp here = op == ReduceOp::kAverage && !isFloat(dtype) ? ReduceOp::kSum : op;
  if (Status s = inside_->reducescatter(segment.slices, dtype, here); !s.ok()) return s;
  if (!segment.rest.empty()) {
    if (Status s = inside_->reducescatter(segment.rest, dtype, here); !s.ok()) return s;
  }
  return inside_->toHost(segment.staged, segment.own);
}

Status HierarchicalNcclBackend::combineAcross(const Segment& segment, DType dtype, ReduceOp op) {
  if (op != ReduceOp::kAverage || isFloat(dtype)) return across_.allreduce(segment.staged, dtype, op);
  if (Status s = across_.allreduce(segment.staged, dtype, ReduceOp::kSum); !s.ok()) return s;
  divideBy(dtype, segment.staged.data(), segment.staged.size() / elementSize(dtype), static_cast<int>(size()));
  return Status::okay();
}

Status HierarchicalNcclBackend::handOut(const Segment& segment) {
  if (Status s = inside_->toDevice(segment.own, segment.staged); !s.ok()) return s;
  if (Status s = inside_->allgather(segment.slices); !s.ok()) return s;
  return segment.rest.empty() ? Status::okay() : inside_->allgather(segment.rest);
}

Status HierarchicalNcclBackend::allgather(std::span<const std::span<std::byte>> blocks) {
  const auto room = roomFor(blocks);
  if (!room.ok()) return room.status();
  const auto& staged = room.value();
  if (Status s = inside_->toHost(staged[index()], blocks[index()]); !s.ok()) return s;
  if (Status s = inside_->finish(); !s.ok()) return s;
  if (Status s = all_.allgather(staged); !s.ok()) return s;
  for (size_t rank = 0; rank < blocks.size(); ++rank) {
    if (rank == index()) continue;
    if (Status s = inside_->toDevice(blocks[rank], staged[rank]); !s.ok()) return s;
  }
  return Status::okay();
}

Status HierarchicalNcclBackend::broadcast(std::span<std::byte> data, int root) {
  const bool gives = static_cast<int>(index()) == root;
  for (size_t begin = 0; begin < data.size(); begin += kStagedBytes) {
    const auto part = data.subspan(begin, std::min(kStagedBytes, data.size() - begin));
    const auto room = roomFor(part.size());
    if (!room.ok()) return room.status();
    if (gives) {
      if (Status s = inside_->toHost(room.value(), part); !s.ok()) return s;
      if (Status s = inside_->finish(); !s.ok()) return s;
    }
    if (Status s = all_.broadcast(room.value(), root); !s.ok()) return s;
    if (gives) continue;
    if (Status s = inside_->toDevice(part, room.value()); !s.ok()) return s;
  }
  return Status::okay();
}

Status HierarchicalNcclBackend::reducescatter(std::span<const std::span<std::byte>> blocks, DType dtype, ReduceOp op) {
  const auto room = roomFor(blocks);
  if (!room.ok()) return room.status();
  const auto& staged = room.value();
  for (size_t rank = 0; rank < blocks.size(); ++rank) {
    if (Status s = inside_->toHost(staged[rank], blocks[rank]); !s.ok()) return s;
  }
  if (Status s = inside_->finish(); !s.ok()) return s;
  if (Status s = all_.reducescatter(staged, dtype, op); !s.ok()) return s;
  return inside_->toDevice(blocks[index()], staged[index()]);
}

Status HierarchicalNcclBackend::alltoall(std::span<const std::byte> from, std::span<std::byte> into,
                                         const PairSizes& sizes) {
  const auto room = roomFor(from.size() + into.size());
  if (!room.ok()) return room.status();
  const auto given = room.value().first(from.size());
  const auto taken = room.value().subspan(from.size());
  if (Status s = inside_->toHost(given, from); !s.ok()) return s;
  if (Status s = inside_->finish(); !s.ok()) return s;
  if (Status s = all_.alltoall(given, taken, sizes); !s.ok()) return s;
  return inside_->toDevice(into, taken);
}

Status HierarchicalNcclBackend::adasum(std::span<std::byte> /*data*/, DType dtype, std::span<const Range> /*tensors*/) {
  return checkCombines(dtype, ReduceOp::kAdasum);
}

/// The same for blocks, end to end.
Result<std::vector<std::span<std::byte>>> HierarchicalNcclBackend::roomFor(
    std::span<const std::span<std::byte>> blocks) {
  size_t bytes = 0;
  for (const auto block : blocks) bytes += block.size();
  const auto room = roomFor(bytes);
  if (!room.ok()) return room.status();
  std::vector<std::span<std::byte>> staged;
  for (auto left = room.value(); const auto block : blocks) {
    staged.push_back(left.first(block.size()));
    left = left.subspan(block.size());
  }
  return staged;
}

/// Pinned memory that nothing is on its way to or from.
Result<std::span<std::byte>> HierarchicalNcclBackend::roomFor(size_t bytes) {
  if (Status s = inside_->finish(); !s.ok()) return s;
  if (!room_ || room_->bytes().size() < bytes) {
    room_ = nullptr;
    auto pinned = PinnedMemory::allocate(inside_->device(), std::bit_ceil(std::max<size_t>(bytes, 1)));
    if (!pinned.ok()) return pinned.status();
    room_ = std::move(pinned).value();
  }
  return room_->bytes().first(bytes);
}

}  // namespace tsring
