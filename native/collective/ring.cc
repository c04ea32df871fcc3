#include "collective/ring.h"

#include <algorithm>
#include <cstring>

#include "kernel/reduce.h"

namespace tsring {

Status passAround(Mesh& mesh, const Team& team, std::span<const std::byte> own, std::span<const RingStep> steps,
                  size_t sendBytes, const Reduction& reduction, Bytes& arrived, std::chrono::milliseconds stallLimit) {
  return RingPass(mesh, team, own, steps, sendBytes, reduction, arrived).finish(stallLimit);
}

RingPass::RingPass(Mesh& mesh, const Team& team, std::span<const std::byte> own, std::span<const RingStep> steps,
                   size_t sendBytes, const Reduction& reduction, Bytes& arrived)
    : mesh_(mesh),
      left_(team.left()),
      right_(team.right()),
      ownBytes_(own.size()),
      sending_(own),
      later_(steps),
      toSend_(sendBytes),
      steps_(steps),
      reduction_(reduction),
      arrived_(arrived),
      reducing_(!steps.empty() && steps.front().reduce),
      phase_(reducing_ ? "reduce-scatter" : "pass on", Phase::Beside::kYes) {
  skipEmpty();
}

Status RingPass::finish(std::chrono::milliseconds stallLimit) {
  while (!done()) {
    size_t moved = 0;
    if (Status s = step(moved); !s.ok()) return s;
    if (moved > 0) continue;
    const bool wantsToSend = toSend_ > 0 && sent_ < maySend();
    const bool wantsMore = !steps_.empty();
    const Interest interests[] = {{right_, wantsToSend, left_ == right_ && wantsMore},
                                  {left_, false, left_ != right_ && wantsMore}};
    if (Status s = mesh_.wait(interests, Deadline::in(stallLimit)); !s.ok()) {
      if (s.code() != StatusCode::kTimeout) return s;
      return Status(StatusCode::kTimeout, "no data moved between rank " + std::to_string(mesh_.rank()) +
                                              " and its neighbours, ranks " + std::to_string(left_) + " and " +
                                              std::to_string(right_) + ", for " + std::to_string(stallLimit.count()) +
                                              " ms");
    }
  }
  phase_.end();
  return Status::okay();
}

Status RingPass::advance() {
  for (size_t moved = 1; moved > 0 && !done();) {
    moved = 0;
    if (Status s = step(moved); !s.ok()) return s;
  }
  return Status::okay();
}

Status RingPass::step(size_t& moved) {
  if (Status s = send(moved); !s.ok()) return s;
  return receive(moved);
}

Status RingPass::send(size_t& moved) {
  while (toSend_ > 0 && sent_ < maySend()) {
    while (sending_.empty()) {
      sending_ = later_.front().into;
      later_ = later_.subspan(1);
    }
    const size_t piece = std::min({sending_.size(), toSend_, maySend() - sent_, arrived_.size()});
    const auto sent = mesh_.trySend(right_, sending_.first(piece));
    if (!sent.ok()) return sent.status();
    sending_ = sending_.subspan(sent.value());
    toSend_ -= sent.value();
    sent_ += sent.value();
    moved += sent.value();
    if (sent.value() < piece) break;
  }
  return Status::okay();
}

/// Takes in one piece.
Status RingPass::receive(size_t& moved) {
  if (steps_.empty()) return Status::okay();
  const RingStep& step = steps_.front();
  const auto rest = step.into.subspan(offset_);
  const auto target = step.reduce ? std::span(arrived_).first(std::min(arrived_.size(), rest.size())).subspan(waiting_)
                                  : rest.first(std::min(rest.size(), arrived_.size()));
  const auto got = mesh_.tryReceive(left_, target);
  if (!got.ok()) return got.status();
  moved += got.value();
  place(step, rest, got.value());
  return Status::okay();
}

void RingPass::place(const RingStep& step, std::span<std::byte> rest, size_t got) {
  size_t whole = got;
  if (step.reduce) {
    const size_t element = elementSize(reduction_.dtype);
    const size_t count = (waiting_ + got) / element;
    whole = count * element;
    reduceInto(reduction_.op, reduction_.dtype, rest.data(), arrived_.data(), count);
    if (step.complete && reduction_.op == ReduceOp::kAverage)
      divideBy(reduction_.dtype, rest.data(), count, reduction_.divisor);
    waiting_ = waiting_ + got - whole;  // the front part of an element that has not come wholly
    std::memmove(arrived_.data(), arrived_.data() + whole, waiting_);
  }
  offset_ += whole;
  placed_ += whole;
  if (offset_ == step.into.size()) {
    steps_ = steps_.subspan(1);
    offset_ = 0;
    skipEmpty();
    if (reducing_ && !steps_.empty() && !steps_.front().reduce) {
      reducing_ = false;
      phase_.next("allgather");
    }
  }
}

void RingPass::skipEmpty() {
  while (!steps_.empty() && steps_.front().into.empty()) steps_ = steps_.subspan(1);
}

}  // namespace tsring
