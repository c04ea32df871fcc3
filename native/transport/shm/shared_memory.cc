#include "transport/shm/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

namespace tsring {

#ifdef __linux__

Result<SharedMemory> SharedMemory::create(size_t bytes) {
  UniqueFd fd(::memfd_create("tsring", MFD_CLOEXEC));
  if (!fd) return statusFromErrno(StatusCode::kUnsupported, "memfd_create", errno);
  // Reserved now: running out of memory later would be a SIGBUS in the middle of a copy.
  if (const int error = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes))) {
    return statusFromErrno(StatusCode::kInternal, "no room for " + std::to_string(bytes) + " bytes of shared memory",
                           error);
  }
  return map(std::move(fd), bytes);
}

Result<SharedMemory> SharedMemory::open(int64_t pid, int32_t fd, size_t bytes) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd);
  UniqueFd own(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!own) return statusFromErrno(StatusCode::kUnsupported, path, errno);
  struct stat info {};
  if (::fstat(own.get(), &info) != 0 || static_cast<size_t>(info.st_size) != bytes) {
    return Status(StatusCode::kUnsupported, path + " is not the memory that was meant");
  }
  return map(std::move(own), bytes);
}

#else

Result<SharedMemory> SharedMemory::create(size_t) {
  return Status(StatusCode::kUnsupported, "shared memory is built for Linux");
}
Result<SharedMemory> SharedMemory::open(int64_t, int32_t, size_t) {
  return Status(StatusCode::kUnsupported, "shared memory is built for Linux");
}

#endif

Result<SharedMemory> SharedMemory::map(UniqueFd fd, size_t bytes) {
  void* const start = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (start == MAP_FAILED) return statusFromErrno(StatusCode::kInternal, "mmap of shared memory", errno);
#ifdef MADV_HUGEPAGE
  ::madvise(start, bytes, MADV_HUGEPAGE);
#endif
  SharedMemory memory;
  memory.fd_ = std::move(fd);
  memory.bytes_ = {static_cast<std::byte*>(start), bytes};
  return memory;
}

SharedMemory::~SharedMemory() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

}  // namespace tsring
