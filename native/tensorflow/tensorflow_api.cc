#include "tensorflow/tensorflow_api.h"

#include <dlfcn.h>

#include <string>
#include <vector>

#include "base/mutex.h"

namespace tsring {
namespace {

#ifdef __APPLE__
constexpr const char* kLibraries[] = {"libtensorflow_framework.2.dylib", "libtensorflow_cc.2.dylib",
                                      "libtensorflow.2.dylib"};
#else
constexpr const char* kLibraries[] = {"libtensorflow_framework.so.2", "libtensorflow_cc.so.2", "libtensorflow.so.2"};
#endif

// Process-wide, as TensorFlow is: a kernel is called with nothing that could lead to an object of ours.
TensorflowApi found;

Status find(TensorflowApi& api) {
  std::vector<void*> libraries;  // never closed: our ops stay registered in them
  for (const char* name : kLibraries) {
    if (void* library = ::dlopen(name, RTLD_NOLOAD | RTLD_NOW)) libraries.push_back(library);
  }
  if (libraries.empty()) return Status(StatusCode::kUnsupported, "TensorFlow is not loaded in this process");
  const auto lookUp = [&](auto& function, const char* name) {
    for (void* library : libraries) {
      if (void* symbol = ::dlsym(library, name)) {
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(symbol);
        return Status();
      }
    }
    return Status(StatusCode::kUnsupported,
                  std::string("this TensorFlow has no ") + name + "; 2.12 or later is needed");
  };
#define TSRING_LOOK_UP(name, type) \
  if (Status s = lookUp(api.name, "TF_" #name); !s.ok()) return s;
  TSRING_TENSORFLOW_FUNCTIONS(TSRING_LOOK_UP)
#undef TSRING_LOOK_UP
  return {};
}

}  // namespace

Status loadTensorflowApi() {
  static Mutex mutex;
  static bool loaded = false;
  MutexLock lock(mutex);
  if (loaded) return {};
  TensorflowApi api;
  if (Status s = find(api); !s.ok()) return s;
  found = api;
  loaded = true;
  return {};
}

const TensorflowApi& tensorflowApi() {
  return found;
}

Status Answer::check(std::string_view what) const {
  const TensorflowApi& tf = tensorflowApi();
  if (tf.GetCode(status_.get()) == TF_OK) return {};
  return Status(StatusCode::kInternal, std::string(what) + ": " + tf.Message(status_.get()));
}

}  // namespace tsring
