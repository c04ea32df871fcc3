#pragma once

#include <memory>
#include <vector>

#include "engine/session.h"
#include "engine/ticket.h"
#include "tensorflow/tensorflow_api.h"

// The steps that the operations of TensorFlow for tensors in main memory and on a GPU have in common. Their first input
// is the number of a ticket, which the session has opened.
namespace tsring {

/// Fails with kInvalidArgument where there is no such ticket.
Result<std::shared_ptr<Ticket>> ticketOf(TF_OpKernelContext* context);

/// Runs `submit`, and gives the number of the ticket as the operation's result. A ticket whose submission fails is
/// closed.
template <typename Submit>
Status start(TF_OpKernelContext* context, Submit submit);

/// The tensors behind the ticket's number. kInvalidArgument where they are not of its dtype.
Result<std::vector<TensorReference>> tensorsOf(TF_OpKernelContext* context, const Ticket& ticket);

/// Hands a ticket's tensors to the engine, one of `buffers` each. `results` are those that the buffers' outputs are in.
Status handOver(const std::shared_ptr<Ticket>& ticket, std::vector<TensorReference> inputs,
                std::vector<TensorBuffer> buffers, std::vector<TensorReference> results = {});

/// The end of a ticket.
struct Ended {
  Outcome outcome;
  std::vector<TensorReference> results;  // those that were handed over with it
};
/// Blocks until the ticket is settled, and closes it. Fails as the operation does.
Result<Ended> await(const std::shared_ptr<Ticket>& ticket);

Status giveNumber(TF_OpKernelContext* context, int32_t number);

template <typename Submit>
Status start(TF_OpKernelContext* context, Submit submit) {
  Result<std::shared_ptr<Ticket>> ticket = ticketOf(context);
  if (!ticket.ok()) return ticket.status();
  const int32_t id = ticket.value()->id;
  if (Status s = submit(ticket.value()); !s.ok()) {
    TicketTable::process().close(id);
    return s;
  }
  return giveNumber(context, id);
}

}  // namespace tsring
