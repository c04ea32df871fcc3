#include "tensorflow/register_ops.h"

#include <dlfcn.h>

#include <initializer_list>
#include <optional>

#include "base/mutex.h"
#include "tensorflow/bias_kernels.h"
#include "tensorflow/gpu_kernels.h"
#include "tensorflow/kernels.h"
#include "tensorflow/pool_kernels.h"
#include "tensorflow/reduce_and_update.h"
#include "tensorflow/tensorflow_api.h"
#include "tensorflow/update_kernel.h"

namespace tsring {
namespace {

struct Op {
  const char* name;
  std::initializer_list<const char*> attributes;
  std::initializer_list<const char*> inputs;
  std::initializer_list<const char*> outputs;
  void (*compute)(void*, TF_OpKernelContext*);
  /// What of them stays in main memory where TensorFlow has a GPU; none: all, as there is no kernel for GPUs.
  std::initializer_list<const char*> onHost = {};
  /// What a kernel keeps of its attributes; none: nothing.
  void* (*create)(TF_OpKernelConstruction*) = nullptr;
  void (*destroy)(void*) = nullptr;
};

Status registerKernel(const Op& op, const char* device) {
  const TensorflowApi& tf = tensorflowApi();
  const Answer answer;
  TF_KernelBuilder* kernel = tf.NewKernelBuilder(op.name, device, op.create, op.compute, op.destroy);
  for (const char* argument : op.onHost) tf.KernelBuilder_HostMemory(kernel, argument);
  tf.RegisterKernelBuilder(op.name, kernel, answer.get());
  return answer.check(op.name);
}

Status registerOp(const Op& op) {
  const TensorflowApi& tf = tensorflowApi();
  const Answer answer;
  TF_OpDefinitionBuilder* definition = tf.NewOpDefinitionBuilder(op.name);
  for (const char* attribute : op.attributes) tf.OpDefinitionBuilderAddAttr(definition, attribute);
  for (const char* input : op.inputs) tf.OpDefinitionBuilderAddInput(definition, input);
  for (const char* output : op.outputs) tf.OpDefinitionBuilderAddOutput(definition, output);
  tf.OpDefinitionBuilderSetIsStateful(definition, true);  // each execution counts; none may be folded or shared
  tf.RegisterOpDefinition(definition, answer.get());      // takes the builder
  if (Status s = answer.check(op.name); !s.ok()) return s;
  // With a GPU TensorFlow itself brings the tensors to the host for an op that has no other kernel, and back. Those
  // that have one go by where the tensors are, whatever TensorFlow calls the place.
  if (Status s = registerKernel(op, "CPU"); !s.ok() || op.onHost.size() == 0) return s;
  return registerKernel(op, "GPU");
}

/// TensorFlow keeps pointers to our functions, so a worker thread's end must not unload them.
void stayLoaded() {
  Dl_info self{};
  if (::dladdr(reinterpret_cast<void*>(&registerOp), &self) != 0 && self.dli_fname != nullptr) {
    ::dlopen(self.dli_fname, RTLD_NOLOAD | RTLD_NODELETE | RTLD_NOW);
  }
}

Status registerAllOps() {
  stayLoaded();
  const char* const count = "N: int >= 1";
  const char* const results = "M: int >= 1";
  const char* const threads = "threads: int";
  const char* const type = "T: {float, double, int32, int64, uint8, bool}";
  const Op ops[] = {
      {"TsringStart", {count, type}, {"ticket: int32", "tensors: N * T"}, {"started: int32"}, computeStart},
      {"TsringFinish", {count, type}, {"ticket: int32"}, {"outs: N * T"}, computeFinish},
      {"TsringStartOnGpu",
       {count},
       {"ticket: int32", "tensors: N * float"},
       {"started: int32"},
       computeStartOnGpu,
       {"ticket", "started"}},
      {"TsringFinishOnGpu", {count}, {"ticket: int32"}, {"outs: N * float"}, computeFinishOnGpu, {"ticket"}},
      {"TsringProbe",
       {},
       {"device: int32", "values: float", "expected: float"},
       {"negated: float"},
       computeProbe,
       {"device", "expected"}},
      {"TsringUpdate",
       {count, results},
       {"update: int32", "factors: float", "tensors: N * float"},
       {"outs: M * float"},
       computeUpdate},
      {"TsringReduceAndUpdate",
       {count, results},
       {"ticket: int32", "update: int32", "factors: float", "tensors: N * float"},
       {"outs: M * float", "seconds: float"},
       computeReduceAndUpdate},
      {"TsringMaxPoolGradient",
       {count, results},
       {"window: int32", "tensors: N * float"},
       {"outs: M * float"},
       computeMaxPoolGradient},
      {"TsringAddBias",
       {threads},
       {"bias: float", "values: float"},
       {"sums: float"},
       computeAddBias,
       {},
       createBiasKernel,
       destroyBiasKernel},
      {"TsringAddBiasRelu",
       {threads},
       {"bias: float", "values: float"},
       {"sums: float"},
       computeAddBiasRelu,
       {},
       createBiasKernel,
       destroyBiasKernel},
      {"TsringBiasReluGradient",
       {threads},
       {"output_gradient: float", "output: float"},
       {"gradient: float", "bias_gradient: float"},
       computeBiasReluGradient,
       {},
       createBiasKernel,
       destroyBiasKernel}};
  for (const Op& op : ops) {
    if (Status s = registerOp(op); !s.ok()) return s;
  }
  return {};
}

}  // namespace

Status registerTensorflowOps() {
  if (Status s = loadTensorflowApi(); !s.ok()) return s;
  static Mutex mutex;
  static std::optional<Status> done;  // also a refusal is final: TensorFlow has no way to take half of it back
  MutexLock lock(mutex);
  if (!done) done = registerAllOps();
  return *done;
}

}  // namespace tsring
