#pragma once

#include <string>

#include "base/status.h"

namespace tsring {

/// A shared library that was found at run time. A value: the library stays loaded until the process ends, since drivers
/// keep threads and handlers of their own that nobody can take back.
class DynamicLibrary {
 public:
  /// `name` is a file name that the loader looks for in its folders, or a path. Fails with kUnsupported and the
  /// loader's reason.
  static Result<DynamicLibrary> open(const std::string& name);

  const std::string& name() const { return name_; }

  /// Null where the library has no such symbol.
  void* find(const char* symbol) const;

  /// Sets `function` to the symbol; kUnsupported, with the library's name, where it has none.
  template <typename Function>
  Status bind(Function& function, const char* symbol) const {
    void* found = find(symbol);
    if (!found) return Status(StatusCode::kUnsupported, name_ + " has no " + symbol);
    function = reinterpret_cast<Function>(found);
    return Status::okay();
  }

 private:
  DynamicLibrary(std::string name, void* handle) : name_(std::move(name)), handle_(handle) {}

  std::string name_;
  void* handle_;
};

}  // namespace tsring
