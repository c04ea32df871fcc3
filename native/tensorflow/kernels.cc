#include "tensorflow/kernels.h"

#include <string>
#include <utility>
#include <vector>

#include "engine/session.h"
#include "engine/ticket.h"
#include "tensorflow/held_inputs.h"

namespace tsring {
namespace {

Status start(TF_OpKernelContext* context);
Status finish(TF_OpKernelContext* context);
void report(TF_OpKernelContext* context, const Status& status);

}  // namespace

void computeStart(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, start(context));
}

void computeFinish(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, finish(context));
}

namespace {

// tfjs-node throws errors of 500 bytes, some of which are TensorFlow's and its own.
constexpr size_t kMessageBytes = 320;

Result<std::shared_ptr<Ticket>> ticketOf(TF_OpKernelContext* context);
Status submit(TF_OpKernelContext* context, const std::shared_ptr<Ticket>& ticket);
Status handOut(TF_OpKernelContext* context, const Outcome& outcome, DType dtype);
Result<TensorReference> inputAt(TF_OpKernelContext* context, int index);
Shape shapeOf(const TF_Tensor* tensor);
TensorReference tensorOver(std::shared_ptr<Block> memory, std::byte* data, const Shape& shape, DType dtype);
constexpr TF_DataType tensorflowType(DType dtype);

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

void report(TF_OpKernelContext* context, const Status& status) {
  if (status.ok()) return;
  std::string message(status.message());
  if (message.size() > kMessageBytes) {
    size_t end = kMessageBytes;
    while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0U) == 0x80U) --end;  // not inside a character
    message = message.substr(0, end) + "...";
  }
  const TensorflowApi& tf = tensorflowApi();
  const Answer answer;
  tf.SetStatus(answer.get(), TF_ABORTED, ("tsring:" + std::string(codeName(status.code())) + ":" + message).c_str());
  tf.OpKernelContext_Failure(context, answer.get());
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
    const Answer answer;
    tf.SetOutput(context, static_cast<int>(i), output.get(), answer.get());
    if (Status s = answer.check("TsringFinish"); !s.ok()) return s;
  }
  return {};
}

Result<TensorReference> inputAt(TF_OpKernelContext* context, int index) {
  TF_Tensor* tensor = nullptr;
  const Answer answer;
  tensorflowApi().GetInput(context, index, &tensor, answer.get());
  TensorReference input(tensor);
  if (Status s = answer.check("input " + std::to_string(index)); !s.ok()) return s;
  return input;
}

Shape shapeOf(const TF_Tensor* tensor) {
  const TensorflowApi& tf = tensorflowApi();
  Shape shape;
  for (int i = 0; i < tf.NumDims(tensor); ++i) shape.push_back(tf.Dim(tensor, i));
  return shape;
}

/// A tensor that lies in the engine's memory and keeps it as long as it is used. `data` is 64-byte aligned, or
/// TensorFlow would copy.
TensorReference tensorOver(std::shared_ptr<Block> memory, std::byte* data, const Shape& shape, DType dtype) {
  auto keeper = std::make_unique<std::shared_ptr<Block>>(std::move(memory));
  const auto letGo = [](void* /*data*/, size_t /*bytes*/, void* arg) {
    const std::unique_ptr<std::shared_ptr<Block>> keeper(static_cast<std::shared_ptr<Block>*>(arg));
  };
  const size_t bytes = elementCount(shape) * elementSize(dtype);
  return TensorReference(tensorflowApi().NewTensor(tensorflowType(dtype), shape.data(), static_cast<int>(shape.size()),
                                                   data, bytes, letGo, keeper.release()));
}

constexpr TF_DataType tensorflowType(DType dtype) {
  switch (dtype) {
    case DType::kUint8:
      return TF_UINT8;
    case DType::kInt32:
      return TF_INT32;
    case DType::kInt64:
      return TF_INT64;
    case DType::kFloat32:
      return TF_FLOAT;
    case DType::kFloat64:
      return TF_DOUBLE;
    case DType::kBool:
      return TF_BOOL;
    case DType::kFloat16:
      return TF_HALF;
    case DType::kBfloat16:
      return TF_BFLOAT16;
    case DType::kInt8:
      return TF_INT8;
    case DType::kInt16:
      return TF_INT16;
    case DType::kUint16:
      return TF_UINT16;
  }
  return TF_FLOAT;
}

}  // namespace
}  // namespace tsring
