#include "base/dynamic_library.h"

#include <dlfcn.h>

namespace tsring {

Result<DynamicLibrary> DynamicLibrary::open(const std::string& name) {
  void* handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle) return DynamicLibrary(name, handle);
  const char* reason = ::dlerror();
  return Status(StatusCode::kUnsupported, reason ? reason : name + ": cannot be loaded");
}

void* DynamicLibrary::find(const char* symbol) const {
  return ::dlsym(handle_, symbol);
}

}  // namespace tsring
