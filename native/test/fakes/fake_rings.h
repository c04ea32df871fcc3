#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

/// What is left of a send or a receive.
struct Transfer {
  int peer;
  bool sends;
  char* data;
  size_t left;
};

/// The memory by which the ranks of the fake NCCL talk: a file that all map, with two rings of bytes between every two
/// ranks.
class FakeRings {
 public:
  static constexpr int kMostRanks = 8;

  /// Makes the file, and puts its name into `path`. It goes when this process ends.
  template <size_t kLength>
  static bool makeFile(char (&path)[kLength]) {
    const char* folder = std::getenv("TMPDIR");
    std::memset(path, 0, kLength);
    std::snprintf(path, kLength, "%.90s/tsring-fake-nccl-XXXXXX", folder ? folder : "/tmp");
    const int fd = ::mkstemp(path);
    if (fd < 0) return false;
    const bool sized = ::ftruncate(fd, sizeof(Shared)) == 0;
    ::close(fd);
    static Files made;
    made.add(path);
    return sized;
  }

  /// Maps it, and tells the others that we have. Null where there is no such file.
  static std::unique_ptr<FakeRings> open(const std::string& path, int rank, int size) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    void* mapped = fd < 0 ? MAP_FAILED : ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0) ::close(fd);
    if (mapped == MAP_FAILED) return nullptr;
    return std::unique_ptr<FakeRings>(new FakeRings(static_cast<Shared*>(mapped), rank, size));
  }
  ~FakeRings() { ::munmap(shared_, sizeof(Shared)); }
  FakeRings(const FakeRings&) = delete;
  FakeRings& operator=(const FakeRings&) = delete;

  bool isHere(int rank) const { return shared_->pids[rank] != 0; }
  bool anyoneGone() const {
    for (int rank = 0; rank < size_; ++rank) {
      if (::kill(shared_->pids[rank], 0) != 0 && errno == ESRCH) return true;
    }
    return false;
  }

  /// Moves what can be moved now, of all that is left; those to or from one peer go one after the other. False where
  /// nothing could be.
  bool progress(std::vector<Transfer>& transfers) {
    bool moved = false;
    for (size_t i = 0; i < transfers.size(); ++i) {
      if (transfers[i].left > 0 && isFirstOfItsKind(transfers, i)) moved |= progress(transfers[i]);
    }
    return moved;
  }

 private:
  static constexpr size_t kRingBytes = 64 << 10;

  class Files {
   public:
    ~Files() {
      for (const std::string& path : paths_) ::unlink(path.c_str());
    }
    void add(std::string path) {
      const std::lock_guard lock(mutex_);
      paths_.push_back(std::move(path));
    }

   private:
    std::mutex mutex_;
    std::vector<std::string> paths_;
  };
  struct Ring {
    std::atomic<uint64_t> written, taken;
    char bytes[kRingBytes];
  };
  struct Shared {
    std::atomic<int> pids[kMostRanks];
    Ring rings[kMostRanks][kMostRanks];  // from, to
  };

  FakeRings(Shared* shared, int rank, int size) : shared_(shared), rank_(rank), size_(size) {
    shared_->pids[rank] = ::getpid();
  }

  bool progress(Transfer& transfer) {
    Ring& ring = transfer.sends ? shared_->rings[rank_][transfer.peer] : shared_->rings[transfer.peer][rank_];
    bool moved = false;
    while (transfer.left > 0) {
      const uint64_t written = ring.written;
      const uint64_t taken = ring.taken;
      const uint64_t at = transfer.sends ? written : taken;
      const size_t there = transfer.sends ? kRingBytes - (written - taken) : written - taken;
      const size_t some = std::min({there, kRingBytes - at % kRingBytes, transfer.left});
      if (some == 0) break;
      char* const inRing = ring.bytes + at % kRingBytes;
      std::memcpy(transfer.sends ? inRing : transfer.data, transfer.sends ? transfer.data : inRing, some);
      (transfer.sends ? ring.written : ring.taken) += some;
      transfer.data += some;
      transfer.left -= some;
      moved = true;
    }
    return moved;
  }

  static bool isFirstOfItsKind(const std::vector<Transfer>& transfers, size_t index) {
    return std::none_of(transfers.begin(), transfers.begin() + static_cast<long>(index), [&](const Transfer& before) {
      return before.left > 0 && before.peer == transfers[index].peer && before.sends == transfers[index].sends;
    });
  }

  Shared* const shared_;
  const int rank_;
  const int size_;
};
