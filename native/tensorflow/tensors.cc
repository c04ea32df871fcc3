#include "tensorflow/tensors.h"

#include <string>
#include <utility>

namespace tsring {
namespace {

// tfjs-node throws errors of 500 bytes, some of which are TensorFlow's and its own.
constexpr size_t kMessageBytes = 320;

}  // namespace

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

Result<TensorReference> inputAt(TF_OpKernelContext* context, int index) {
  TF_Tensor* tensor = nullptr;
  const Answer answer;
  tensorflowApi().GetInput(context, index, &tensor, answer.get());
  TensorReference input(tensor);
  if (Status s = answer.check("input " + std::to_string(index)); !s.ok()) return s;
  return input;
}

Status setOutput(TF_OpKernelContext* context, int index, const TensorReference& tensor) {
  const Answer answer;
  tensorflowApi().SetOutput(context, index, tensor.get(), answer.get());
  return answer.check("output " + std::to_string(index));
}

Shape shapeOf(const TF_Tensor* tensor) {
  const TensorflowApi& tf = tensorflowApi();
  Shape shape;
  for (int i = 0; i < tf.NumDims(tensor); ++i) shape.push_back(tf.Dim(tensor, i));
  return shape;
}

TF_DataType tensorflowType(DType dtype) {
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

TensorReference tensorOver(std::shared_ptr<Block> memory, std::byte* data, const Shape& shape, DType dtype) {
  auto keeper = std::make_unique<std::shared_ptr<Block>>(std::move(memory));
  const auto letGo = [](void* /*data*/, size_t /*bytes*/, void* arg) {
    const std::unique_ptr<std::shared_ptr<Block>> keeper(static_cast<std::shared_ptr<Block>*>(arg));
  };
  const size_t bytes = elementCount(shape) * elementSize(dtype);
  return TensorReference(tensorflowApi().NewTensor(tensorflowType(dtype), shape.data(), static_cast<int>(shape.size()),
                                                   data, bytes, letGo, keeper.release()));
}

Result<FloatTensors> floatsFrom(TF_OpKernelContext* context, int first) {
  FloatTensors all;
  for (int i = first; i < tensorflowApi().NumInputs(context); ++i) {
    Result<TensorReference> input = inputAt(context, i);
    if (!input.ok()) return input.status();
    const TF_Tensor* tensor = input.value().get();
    if (tensorflowApi().TensorType(tensor) != TF_FLOAT) {
      return Status(StatusCode::kInvalidArgument, "input " + std::to_string(i) + " is not float32");
    }
    all.shapes.push_back(shapeOf(tensor));
    all.data.push_back(static_cast<float*>(tensorflowApi().TensorData(tensor)));
    all.references.push_back(std::move(input).value());
  }
  return all;
}

Result<TensorReference> allocateOutput(TF_OpKernelContext* context, size_t index, const Shape& shape) {
  const Answer answer;
  TensorReference out(tensorflowApi().AllocateOutput(context, static_cast<int>(index), TF_FLOAT, shape.data(),
                                                     static_cast<int>(shape.size()),
                                                     elementCount(shape) * sizeof(float), answer.get()));
  if (Status s = answer.check("TF_AllocateOutput"); !s.ok()) return s;
  return out;
}

Result<float*> allocateFloats(TF_OpKernelContext* context, size_t index, const Shape& shape) {
  const Result<TensorReference> out = allocateOutput(context, index, shape);
  if (!out.ok()) return out.status();
  return static_cast<float*>(tensorflowApi().TensorData(out.value().get()));
}

Status invalidInput(const std::string& what) {
  return {StatusCode::kInvalidArgument, what};
}

}  // namespace tsring
