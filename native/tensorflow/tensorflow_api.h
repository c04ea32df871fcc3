#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "base/status.h"

// What we use of TensorFlow's C API (tensorflow/c: tf_status, tf_tensor, ops, kernels), declared here so that the addon
// builds where no TensorFlow is, and found at run time so that one binary runs on 2.12 and everything later. The C
// API's contract is that none of this changes.
namespace tsring {

struct TF_Status;
struct TF_Tensor;
struct TF_OpDefinitionBuilder;
struct TF_KernelBuilder;
struct TF_OpKernelConstruction;
struct TF_OpKernelContext;

enum TF_DataType : int {
  TF_FLOAT = 1,
  TF_DOUBLE = 2,
  TF_INT32 = 3,
  TF_UINT8 = 4,
  TF_INT16 = 5,
  TF_INT8 = 6,
  TF_INT64 = 9,
  TF_BOOL = 10,
  TF_BFLOAT16 = 14,
  TF_UINT16 = 17,
  TF_HALF = 19
};
/// A caller tells by `size` how much of it there is.
struct TF_AllocatorAttributes {
  size_t size = sizeof(size_t) + sizeof(unsigned char);
  unsigned char onHost = 0;
};
enum TF_Code : int { TF_OK = 0, TF_ABORTED = 10 };

// X(name without TF_, type)
#define TSRING_TENSORFLOW_FUNCTIONS(X)                                                                        \
  X(NewStatus, TF_Status*())                                                                                  \
  X(DeleteStatus, void(TF_Status*))                                                                           \
  X(SetStatus, void(TF_Status*, TF_Code, const char* message))                                                \
  X(GetCode, TF_Code(const TF_Status*))                                                                       \
  X(Message, const char*(const TF_Status*))                                                                   \
  X(NewTensor, TF_Tensor*(TF_DataType, const int64_t* dims, int numDims, void* data, size_t bytes,            \
                          void (*deallocator)(void* data, size_t bytes, void* arg), void* arg))               \
  X(DeleteTensor, void(TF_Tensor*))                                                                           \
  X(TensorType, TF_DataType(const TF_Tensor*))                                                                \
  X(NumDims, int(const TF_Tensor*))                                                                           \
  X(Dim, int64_t(const TF_Tensor*, int index))                                                                \
  X(TensorData, void*(const TF_Tensor*))                                                                      \
  X(NewOpDefinitionBuilder, TF_OpDefinitionBuilder*(const char* name))                                        \
  X(OpDefinitionBuilderAddAttr, void(TF_OpDefinitionBuilder*, const char* spec))                              \
  X(OpDefinitionBuilderAddInput, void(TF_OpDefinitionBuilder*, const char* spec))                             \
  X(OpDefinitionBuilderAddOutput, void(TF_OpDefinitionBuilder*, const char* spec))                            \
  X(OpDefinitionBuilderSetIsStateful, void(TF_OpDefinitionBuilder*, bool))                                    \
  X(RegisterOpDefinition, void(TF_OpDefinitionBuilder*, TF_Status*))                                          \
  X(NewKernelBuilder,                                                                                         \
    TF_KernelBuilder*(const char* op, const char* device, void* (*create)(TF_OpKernelConstruction*),          \
                      void (*compute)(void* kernel, TF_OpKernelContext*), void (*destroy)(void* kernel)))     \
  X(KernelBuilder_HostMemory, void(TF_KernelBuilder*, const char* argument))                                  \
  X(RegisterKernelBuilder, void(const char* name, TF_KernelBuilder*, TF_Status*))                             \
  X(OpKernelConstruction_GetAttrInt32,                                                                        \
    void(TF_OpKernelConstruction*, const char* attribute, int32_t* value, TF_Status*))                        \
  X(NumInputs, int(TF_OpKernelContext*))                                                                      \
  X(NumOutputs, int(TF_OpKernelContext*))                                                                     \
  X(GetInput, void(TF_OpKernelContext*, int index, TF_Tensor**, TF_Status*))                                  \
  X(SetOutput, void(TF_OpKernelContext*, int index, const TF_Tensor*, TF_Status*))                            \
  X(AllocateOutput, TF_Tensor*(TF_OpKernelContext*, int index, TF_DataType, const int64_t* dims, int numDims, \
                               size_t bytes, TF_Status*))                                                     \
  X(AllocateTemp, TF_Tensor*(TF_OpKernelContext*, TF_DataType, const int64_t* dims, int numDims,              \
                             TF_AllocatorAttributes*, TF_Status*))                                            \
  X(OpKernelContext_Failure, void(TF_OpKernelContext*, TF_Status*))

/// The functions of the TensorFlow that this process has loaded.
struct TensorflowApi {
#define TSRING_DECLARE(name, type) std::add_pointer_t<type> name = nullptr;
  TSRING_TENSORFLOW_FUNCTIONS(TSRING_DECLARE)
#undef TSRING_DECLARE
};

/// Finds them, once: from then on TensorFlow stays loaded. Fails with kUnsupported where it is not loaded or lacks a
/// function. Any thread.
Status loadTensorflowApi();

/// What loadTensorflowApi has found; only after it has succeeded. Any thread.
const TensorflowApi& tensorflowApi();

struct TensorDeleter {
  void operator()(TF_Tensor* tensor) const { tensorflowApi().DeleteTensor(tensor); }
};
struct StatusDeleter {
  void operator()(TF_Status* status) const { tensorflowApi().DeleteStatus(status); }
};

/// A counted reference to a tensor. tfjs-node's small tensors lie in V8's memory, so it has to be let go on the JS
/// thread.
using TensorReference = std::unique_ptr<TF_Tensor, TensorDeleter>;

/// Room for TensorFlow's answer to one call or several.
class Answer {
 public:
  Answer() : status_(tensorflowApi().NewStatus()) {}

  TF_Status* get() const { return status_.get(); }
  /// Fails with kInternal and TensorFlow's words after `what`.
  Status check(std::string_view what) const;

 private:
  std::unique_ptr<TF_Status, StatusDeleter> status_;
};

}  // namespace tsring
