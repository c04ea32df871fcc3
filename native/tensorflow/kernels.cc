#include "tensorflow/kernels.h"

#include <string>
#include <utility>
#include <vector>

#include "tensorflow/tensors.h"
#include "tensorflow/ticket_steps.h"

namespace tsring {
namespace {

Status submit(TF_OpKernelContext* context, const std::shared_ptr<Ticket>& ticket);
Status finish(TF_OpKernelContext* context);
Status handOut(TF_OpKernelContext* context, const Outcome& outcome, DType dtype);

}  // namespace

void computeStart(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, start(context, [&](const auto& ticket) { return submit(context, ticket); }));
}

void computeFinish(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, finish(context));
}

namespace {

Status submit(TF_OpKernelContext* context, const std::shared_ptr<Ticket>& ticket) {
  auto inputs = tensorsOf(context, *ticket);
  if (!inputs.ok()) return inputs.status();
  std::vector<TensorBuffer> buffers;
  for (const TensorReference& input : inputs.value()) {
    buffers.push_back({.input = static_cast<const std::byte*>(tensorflowApi().TensorData(input.get()))});
  }
  return handOver(ticket, std::move(inputs).value(), std::move(buffers));
}

Status finish(TF_OpKernelContext* context) {
  const auto ticket = ticketOf(context);
  if (!ticket.ok()) return ticket.status();
  const auto ended = await(ticket.value());
  if (!ended.ok()) return ended.status();
  return handOut(context, ended.value().outcome, ticket.value()->header.dtype);
}

Status handOut(TF_OpKernelContext* context, const Outcome& outcome, DType dtype) {
  const TensorflowApi& tf = tensorflowApi();
  const auto count = static_cast<size_t>(tf.NumOutputs(context));
  if (count != outcome.data.size()) {
    return Status(StatusCode::kInternal, "TsringFinish has " + std::to_string(count) + " outputs for " +
                                             std::to_string(outcome.data.size()) + " results");
  }
  for (size_t i = 0; i < count; ++i) {
    const TensorReference output = tensorOver(outcome.memory, outcome.data[i], outcome.shapes[i], dtype);
    if (Status s = setOutput(context, static_cast<int>(i), output); !s.ok()) return s;
  }
  return {};
}

}  // namespace
}  // namespace tsring
