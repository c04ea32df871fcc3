#include "nccl/nccl_api.h"

#include <map>

#include "base/dynamic_library.h"
#include "base/mutex.h"

namespace tsring {

Result<NcclApi> NcclApi::load(const std::string& name) {
  const auto library = DynamicLibrary::open(name);
  if (!library.ok()) {
    return library.status()
        .withPrefix("no NCCL: ")
        .withSuffix(" (install it, or name the file in TSRING_NCCL_LIB; PyPI's nvidia-nccl-cu12 holds one)");
  }
  NcclApi api;
#define TSRING_BIND(function, type) \
  if (Status s = library.value().bind(api.function, "nccl" #function); !s.ok()) return s.withPrefix("NCCL: ");
  TSRING_NCCL_FUNCTIONS(TSRING_BIND)
#undef TSRING_BIND
  if (const NcclResult asked = api.GetVersion(&api.version); asked != kNcclSuccess) {
    return Status(StatusCode::kUnsupported, std::string("NCCL: ncclGetVersion: ") + api.GetErrorString(asked));
  }
  if (api.version >= kNcclOldest) return api;
  return Status(StatusCode::kUnsupported, "NCCL " + ncclVersionText(api.version) + " in " + name + " is too old; " +
                                              ncclVersionText(kNcclOldest) + " or later is needed");
}

const Result<NcclApi>& ncclApi(const std::string& library) {
  static Mutex mutex;
  static std::map<std::string, Result<NcclApi>> found;  // a map's elements stay where they are
  const std::string name = library.empty() ? "libnccl.so.2" : library;
  MutexLock lock(mutex);
  const auto it = found.find(name);
  return it != found.end() ? it->second : found.emplace(name, NcclApi::load(name)).first->second;
}

std::string ncclVersionText(int version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

}  // namespace tsring
