#include "tensorflow/ticket_steps.h"

#include <string>
#include <utility>

#include "tensorflow/held_tensors.h"
#include "tensorflow/tensors.h"

namespace tsring {

Result<std::shared_ptr<Ticket>> ticketOf(TF_OpKernelContext* context) {
  Result<TensorReference> input = inputAt(context, 0);
  if (!input.ok()) return input.status();
  const int32_t id = *static_cast<const int32_t*>(tensorflowApi().TensorData(input.value().get()));
  if (std::shared_ptr<Ticket> ticket = TicketTable::process().find(id)) return ticket;
  return Status(StatusCode::kInvalidArgument, "there is no operation with ticket " + std::to_string(id));
}

Status giveNumber(TF_OpKernelContext* context, int32_t number) {
  const Answer answer;
  const TensorflowApi& tf = tensorflowApi();
  const TensorReference output(tf.AllocateOutput(context, 0, TF_INT32, nullptr, 0, sizeof(number), answer.get()));
  if (output) *static_cast<int32_t*>(tf.TensorData(output.get())) = number;
  return answer.check("the ticket's number");
}

Result<std::vector<TensorReference>> tensorsOf(TF_OpKernelContext* context, const Ticket& ticket) {
  const TensorflowApi& tf = tensorflowApi();
  std::vector<TensorReference> tensors;
  for (int i = 1; i < tf.NumInputs(context); ++i) {
    Result<TensorReference> input = inputAt(context, i);
    if (!input.ok()) return input.status();
    if (tf.TensorType(input.value().get()) != tensorflowType(ticket.header.dtype)) {
      return Status(StatusCode::kInvalidArgument, describe(ticket.header) + ": the tensors are not of dtype " +
                                                      std::string(dtypeName(ticket.header.dtype)));
    }
    tensors.push_back(std::move(input).value());
  }
  return tensors;
}

Status handOver(const std::shared_ptr<Ticket>& ticket, std::vector<TensorReference> inputs,
                std::vector<TensorBuffer> buffers, std::vector<TensorReference> results) {
  std::vector<Shape> shapes;
  for (const TensorReference& input : inputs) shapes.push_back(shapeOf(input.get()));
  const auto session = ticket->session.lock();
  if (!session) return Status(StatusCode::kShutDown, describe(ticket->header) + ": the ring was shut down");
  // Not to be let go by an early return: once handed over, the engine's threads use them.
  HeldTensors::process().hold(ticket, std::move(inputs), std::move(results));
  Status status = session->submit(ticket, std::move(shapes), std::move(buffers));
  if (!status.ok()) {
    ticket->settle({status, {}, {}, nullptr});  // nothing was handed over, so nobody else does
    HeldTensors::process().release(ticket->id);
  }
  return status;
}

Result<Ended> await(const std::shared_ptr<Ticket>& ticket) {
  const auto session = ticket->session.lock();
  Outcome outcome = ticket->wait(session ? session->waitDeadline() : Deadline(Clock::now()));
  TicketTable::process().close(ticket->id);
  std::vector<TensorReference> results = HeldTensors::process().release(ticket->id);
  if (!outcome.status.ok()) return outcome.status;
  return Ended{std::move(outcome), std::move(results)};
}

}  // namespace tsring
