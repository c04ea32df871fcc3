#include "tensorflow/kernels.h"

#include <string>
#include <utility>
#include <vector>

#include "engine/session.h"
#include "engine/ticket.h"
#include "tensorflow/held_inputs.h"
#include "tensorflow/tensors.h"

namespace tsring {
namespace {

Status start(TF_OpKernelContext* context);
Status finish(TF_OpKernelContext* context);

}  // namespace

void computeStart(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, start(context));
}

void computeFinish(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, finish(context));
}

namespace {

Result<std::shared_ptr<Ticket>> ticketOf(TF_OpKernelContext* context);
Status submit(TF_OpKernelContext* context, const std::shared_ptr<Ticket>& ticket);
Status handOut(TF_OpKernelContext* context, const Outcome& outcome, DType dtype);

Status start(TF_OpKernelContext* context) {
  Result<std::shared_ptr<Ticket>> ticket = ticketOf(context);
  if (!ticket.ok()) return ticket.status();
  const int32_t id = ticket.value()->id;
  if (Status s = submit(context, ticket.value()); !s.ok()) {
    TicketTable::process().close(id);
    return s;
  }
  const Answer answer;
  const TensorflowApi& tf = tensorflowApi();
  const TensorReference started(tf.AllocateOutput(context, 0, TF_INT32, nullptr, 0, sizeof(id), answer.get()));
  if (started) *static_cast<int32_t*>(tf.TensorData(started.get())) = id;
  return answer.check("TsringStart");
}

Status finish(TF_OpKernelContext* context) {
  Result<std::shared_ptr<Ticket>> found = ticketOf(context);
  if (!found.ok()) return found.status();
  const Ticket& ticket = *found.value();
  const auto session = ticket.session.lock();
  const Outcome outcome = found.value()->wait(session ? session->waitDeadline() : Deadline(Clock::now()));
  TicketTable::process().close(ticket.id);
  HeldInputs::process().release(ticket.id);
  if (!outcome.status.ok()) return outcome.status;
  return handOut(context, outcome, ticket.header.dtype);
}

Result<std::shared_ptr<Ticket>> ticketOf(TF_OpKernelContext* context) {
  Result<TensorReference> input = inputAt(context, 0);
  if (!input.ok()) return input.status();
  const int32_t id = *static_cast<const int32_t*>(tensorflowApi().TensorData(input.value().get()));
  if (std::shared_ptr<Ticket> ticket = TicketTable::process().find(id)) return ticket;
  return Status(StatusCode::kInvalidArgument, "there is no operation with ticket " + std::to_string(id));
}

Status submit(TF_OpKernelContext* context, const std::shared_ptr<Ticket>& ticket) {
  const TensorflowApi& tf = tensorflowApi();
  std::vector<TensorReference> inputs;
  std::vector<Shape> shapes;
  std::vector<TensorBuffer> buffers;
  for (int i = 1; i < tf.NumInputs(context); ++i) {
    Result<TensorReference> input = inputAt(context, i);
    if (!input.ok()) return input.status();
    const TF_Tensor* tensor = input.value().get();
    if (tf.TensorType(tensor) != tensorflowType(ticket->header.dtype)) {
      return Status(StatusCode::kInvalidArgument, describe(ticket->header) + ": the tensors are not of dtype " +
                                                      std::string(dtypeName(ticket->header.dtype)));
    }
    shapes.push_back(shapeOf(tensor));
    buffers.push_back({.input = static_cast<const std::byte*>(tf.TensorData(tensor))});
    inputs.push_back(std::move(input).value());
  }
  const auto session = ticket->session.lock();
  if (!session) return Status(StatusCode::kShutDown, describe(ticket->header) + ": the ring was shut down");
  // Not to be let go by an early return: once handed over, the engine's threads read them.
  HeldInputs::process().hold(ticket, std::move(inputs));
  Status status = session->submit(ticket, std::move(shapes), std::move(buffers));
  if (!status.ok()) {
    ticket->settle({status, {}, {}, nullptr});  // nothing was handed over, so nobody else does
    HeldInputs::process().release(ticket->id);
  }
  return status;
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
