#include "tensorflow/update_kernels.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/deadline.h"
#include "base/parallel.h"
#include "tensorflow/ticket_steps.h"
#include "tensorflow/update_call.h"

namespace tsring {
namespace {

Status update(TF_OpKernelContext* context);
Status reduceAndUpdate(TF_OpKernelContext* context);

}  // namespace

void computeUpdate(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, update(context));
}

void computeReduceAndUpdate(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, reduceAndUpdate(context));
}

namespace {

constexpr size_t kElementsAtOnce = 64 * 1024;

Status update(TF_OpKernelContext* context) {
  const Result<UpdateCall> read = updateCall(context, 0, 0);
  if (!read.ok()) return read.status();
  const UpdateCall& call = read.value();
  struct Piece {
    size_t variable, begin, end;
  };
  std::vector<Piece> pieces;
  for (size_t i = 0; i < call.count; ++i) {
    const size_t elements = call.elements(i);
    for (size_t begin = 0; begin < elements; begin += kElementsAtOnce) {
      pieces.push_back({i, begin, std::min(begin + kElementsAtOnce, elements)});
    }
  }
  const WriteTo writeTo = call.writeTo();
  inParallel(call.threads, pieces.size(), [&](size_t i) {
    const auto [variable, begin, end] = pieces[i];
    applyUpdate(call.update, call.factors.data(), call.arrays(variable), begin, end, writeTo);
  });
  return {};
}

/// A step as its gradients come, in pieces, on one thread at a time. Knows addresses alone: the tensors are held as
/// long as the operation.
class StepInPieces {
 public:
  explicit StepInPieces(const UpdateCall& call)
      : update_(call.update), factors_(call.factors), writeTo_(call.writeTo()) {
    for (size_t i = 0; i < call.count; ++i) arrays_.push_back(call.arrays(i));
  }

  void take(size_t variable, size_t begin, std::span<const std::byte> gradient) {
    const auto start = Clock::now();
    UpdateArrays arrays = arrays_[variable].from(begin / sizeof(float));
    arrays.gradient = reinterpret_cast<const float*>(gradient.data());
    applyUpdate(update_, factors_.data(), arrays, 0, gradient.size() / sizeof(float), writeTo_);
    spent_ += Clock::now() - start;
  }

  float seconds() const { return std::chrono::duration<float>(spent_).count(); }

 private:
  const Update update_;
  const std::vector<float> factors_;
  const WriteTo writeTo_;
  std::vector<UpdateArrays> arrays_;
  Clock::duration spent_{};
};

Result<std::shared_ptr<StepInPieces>> submitUpdate(TF_OpKernelContext* context, const std::shared_ptr<Ticket>& ticket) {
  if (ticket->header.dtype != DType::kFloat32) return invalidInput(describe(ticket->header) + ": not of float32");
  Result<UpdateCall> read = updateCall(context, 1, 1);
  if (!read.ok()) return read.status();
  UpdateCall& call = read.value();
  const auto step = std::make_shared<StepInPieces>(call);
  std::vector<TensorBuffer> buffers;
  for (size_t i = 0; i < call.count; ++i) {
    buffers.push_back({.input = reinterpret_cast<const std::byte*>(call.tensors.data[call.count + i]),
                       .take = [step, i](size_t begin, auto results) { step->take(i, begin, results); }});
  }
  auto& all = call.tensors.references;
  const auto first = all.begin() + static_cast<ptrdiff_t>(call.count);
  const auto last = first + static_cast<ptrdiff_t>(call.count);
  std::vector<TensorReference> gradients(std::make_move_iterator(first), std::make_move_iterator(last));
  all.erase(first, last);
  std::ranges::move(call.outs, std::back_inserter(all));
  if (Status s = handOver(ticket, std::move(gradients), std::move(buffers), std::move(all)); !s.ok()) return s;
  return step;
}

Status reduceAndUpdate(TF_OpKernelContext* context) {
  const Result<std::shared_ptr<Ticket>> ticket = ticketOf(context);
  if (!ticket.ok()) return ticket.status();
  const auto submitted = submitUpdate(context, ticket.value());
  if (!submitted.ok()) {
    TicketTable::process().close(ticket.value()->id);
    return submitted.status();
  }
  if (const auto ended = await(ticket.value()); !ended.ok()) return ended.status();
  const Result<float*> seconds =
      allocateFloats(context, static_cast<size_t>(tensorflowApi().NumOutputs(context)) - 1, {});
  if (!seconds.ok()) return seconds.status();
  *seconds.value() = submitted.value()->seconds();
  return {};
}

}  // namespace
}  // namespace tsring
