#include "tensorflow/reduce_and_update.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/deadline.h"
#include "tensorflow/ticket_steps.h"
#include "tensorflow/update_call.h"

namespace tsring {
namespace {

Status reduceAndUpdate(TF_OpKernelContext* context);

}  // namespace

void computeReduceAndUpdate(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, reduceAndUpdate(context));
}

namespace {

/// A step as its gradients come, in pieces, on one thread at a time. Knows addresses alone: the tensors are held as
/// long as the operation.
class StepInPieces {
 public:
  explicit StepInPieces(const UpdateCall& call)
      : update_(call.update),
        factors_(call.factors),
        writeTo_(call.writeTo()),
        changesSlots_(call.form.slots > 0 && call.slotsInPlace()) {
    for (size_t i = 0; i < call.count; ++i) arrays_.push_back(call.arrays(i));
  }

  void take(size_t variable, size_t begin, std::span<const std::byte> gradient) {
    const auto start = Clock::now();
    begun_ = true;
    UpdateArrays arrays = arrays_[variable].from(begin / sizeof(float));
    arrays.gradient = reinterpret_cast<const float*>(gradient.data());
    applyUpdate(update_, factors_.data(), arrays, 0, gradient.size() / sizeof(float), writeTo_);
    spent_ += Clock::now() - start;
  }

  /// Once it has ended well.
  float seconds() const { return std::chrono::duration<float>(spent_).count(); }

  /// Once it has failed, or may still go on.
  Status failed(const Status& status) const {
    if (!begun_ || !changesSlots_) return status;
    return status.withPrefix("what the optimizer remembers may be of this step in part, weights are as before it: ");
  }

 private:
  const Update update_;
  const std::vector<float> factors_;
  const WriteTo writeTo_;
  const bool changesSlots_;
  std::vector<UpdateArrays> arrays_;
  std::atomic<bool> begun_ = false;
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
  std::vector<TensorReference> gradients = call.takeGradients();
  const Status given = handOver(ticket, std::move(gradients), std::move(buffers), std::move(call).takeOthers());
  if (!given.ok()) return given;
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
  if (const auto ended = await(ticket.value()); !ended.ok()) return submitted.value()->failed(ended.status());
  const auto last = static_cast<size_t>(tensorflowApi().NumOutputs(context)) - 1;
  const Result<float*> seconds = allocateFloats(context, last, {});
  if (!seconds.ok()) return seconds.status();
  *seconds.value() = submitted.value()->seconds();
  return {};
}

}  // namespace
}  // namespace tsring
