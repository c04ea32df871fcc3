#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "base/unique_fd.h"

namespace tsring {

/// Memory that several processes of one host map: a memfd, so nothing is left in any file system and a container's
/// small /dev/shm does not matter. Zero at first.
class SharedMemory {
 public:
  /// New memory. Fails with kUnsupported where the system has no memfd, kInternal when there is no room.
  static Result<SharedMemory> create(size_t bytes);
  /// The memory that process `pid` of this host created, by its descriptor there. Fails with kUnsupported when it
  /// cannot be reached: another container, or no permission.
  static Result<SharedMemory> open(int64_t pid, int32_t fd, size_t bytes);

  SharedMemory() = default;
  SharedMemory(SharedMemory&& other) noexcept { *this = std::move(other); }
  SharedMemory& operator=(SharedMemory&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~SharedMemory();

  std::span<std::byte> bytes() const { return bytes_; }
  int fd() const { return fd_.get(); }
  /// The mapping stays; nobody can open it by our descriptor any more.
  void closeDescriptor() { fd_.reset(); }

 private:
  static Result<SharedMemory> map(UniqueFd fd, size_t bytes);
  UniqueFd fd_;
  std::span<std::byte> bytes_;
};

}  // namespace tsring
