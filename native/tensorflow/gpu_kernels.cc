#include "tensorflow/gpu_kernels.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nccl/device_memory.h"
#include "nccl/foreign_memory.h"
#include "tensorflow/tensors.h"
#include "tensorflow/ticket_steps.h"

namespace tsring {
namespace {

constexpr std::chrono::seconds kProbePatience{30};

Status submitFromGpu(TF_OpKernelContext* context, const std::shared_ptr<Ticket>& ticket);
Result<TensorReference> resultFor(TF_OpKernelContext* context, const CudaDevice& gpu, const TF_Tensor* input);
Status finishOnGpu(TF_OpKernelContext* context);
Status probe(TF_OpKernelContext* context);
Result<std::vector<float>> readBack(const std::shared_ptr<CudaDevice>& gpu, const TF_Tensor* tensor);

std::byte* dataOf(const TF_Tensor* tensor) {
  return static_cast<std::byte*>(tensorflowApi().TensorData(tensor));
}

}  // namespace

void computeStartOnGpu(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, start(context, [&](const auto& ticket) { return submitFromGpu(context, ticket); }));
}

void computeFinishOnGpu(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, finishOnGpu(context));
}

void computeProbe(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, probe(context));
}

namespace {

// Waits once the results have their memory: who had that before may still be using it.
Status submitFromGpu(TF_OpKernelContext* context, const std::shared_ptr<Ticket>& ticket) {
  const auto session = ticket->session.lock();
  if (!session) return Status(StatusCode::kShutDown, describe(ticket->header) + ": the ring was shut down");
  const auto gpu = openGpu(session->options().cudaDevice);
  if (!gpu.ok()) return gpu.status();
  auto inputs = tensorsOf(context, *ticket);
  if (!inputs.ok()) return inputs.status();
  std::vector<TensorReference> results;
  std::vector<TensorBuffer> buffers;
  for (const TensorReference& input : inputs.value()) {
    auto result = resultFor(context, *gpu.value(), input.get());
    if (!result.ok()) return result.status().withPrefix(describe(ticket->header) + ": ");
    const bool empty = elementCount(shapeOf(input.get())) == 0;
    buffers.push_back(empty ? TensorBuffer() : TensorBuffer{dataOf(input.get()), dataOf(result.value().get())});
    results.push_back(std::move(result).value());
  }
  if (Status s = awaitEveryone(*gpu.value()); !s.ok()) return s;
  return handOver(ticket, std::move(inputs).value(), std::move(buffers), std::move(results));
}

/// Memory like the tensor's; one without elements has none.
Result<TensorReference> resultFor(TF_OpKernelContext* context, const CudaDevice& gpu, const TF_Tensor* input) {
  const Shape shape = shapeOf(input);
  const Answer answer;
  TF_AllocatorAttributes onDevice;
  TensorReference result(tensorflowApi().AllocateTemp(context, TF_FLOAT, shape.data(), static_cast<int>(shape.size()),
                                                      &onDevice, answer.get()));
  if (Status s = answer.check("memory for a result"); !s.ok()) return s;
  if (elementCount(shape) == 0) return result;
  if (Status s = checkIsOn(gpu, dataOf(input)); !s.ok()) return s;
  if (Status s = checkIsOn(gpu, dataOf(result.get())); !s.ok()) return s;
  return result;
}

Status finishOnGpu(TF_OpKernelContext* context) {
  const auto ticket = ticketOf(context);
  if (!ticket.ok()) return ticket.status();
  const auto ended = await(ticket.value());
  if (!ended.ok()) return ended.status();
  const auto& results = ended.value().results;
  if (results.size() != static_cast<size_t>(tensorflowApi().NumOutputs(context))) {
    return Status(StatusCode::kInternal, "TsringFinishOnGpu has other outputs than there are results");
  }
  for (size_t i = 0; i < results.size(); ++i) {
    if (Status s = setOutput(context, static_cast<int>(i), results[i]); !s.ok()) return s;
  }
  return {};
}

Status probe(TF_OpKernelContext* context) {
  const auto number = inputAt(context, 0);
  if (!number.ok()) return number.status();
  const auto values = inputAt(context, 1);
  if (!values.ok()) return values.status();
  const auto expected = inputAt(context, 2);
  if (!expected.ok()) return expected.status();
  const auto gpu = openGpu(*reinterpret_cast<const int32_t*>(dataOf(number.value().get())));
  if (!gpu.ok()) return gpu.status();
  const auto result = resultFor(context, *gpu.value(), values.value().get());
  if (!result.ok()) return result.status();
  if (Status s = awaitEveryone(*gpu.value()); !s.ok()) return s;
  auto read = readBack(gpu.value(), values.value().get());
  if (!read.ok()) return read.status();
  if (!std::ranges::equal(read.value(), std::span(reinterpret_cast<const float*>(dataOf(expected.value().get())),
                                                  read.value().size()))) {
    return Status(StatusCode::kUnsupported, "the driver reads other values at a tensor's address than TensorFlow");
  }
  std::ranges::transform(read.value(), read.value().begin(), std::negate());
  const auto bytes = std::as_bytes(std::span(read.value()));
  const auto memory = DeviceMemory::borrow(gpu.value(), dataOf(result.value().get()), bytes.size());
  if (Status s = memory->write(0, bytes, Deadline::in(kProbePatience)); !s.ok()) return s;
  return setOutput(context, 0, result.value());
}

Result<std::vector<float>> readBack(const std::shared_ptr<CudaDevice>& gpu, const TF_Tensor* tensor) {
  std::vector<float> values(elementCount(shapeOf(tensor)));
  const auto into = std::as_writable_bytes(std::span(values));
  const Status read =
      DeviceMemory::borrow(gpu, dataOf(tensor), into.size())->read(0, into, Deadline::in(kProbePatience));
  if (!read.ok()) return read;
  return values;
}

}  // namespace
}  // namespace tsring
