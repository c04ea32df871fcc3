#pragma once

#include <condition_variable>
#include <mutex>

#include "base/deadline.h"
#include "base/thread_annotations.h"

namespace tsring {

/// std::mutex with the names that clang's lock analysis knows.
class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// A condition to wait for under a Mutex, always with a deadline.
class Condition {
 public:
  /// Waits until `ready()` or the deadline; returns the last `ready()`.
  template <typename Ready>
  bool waitUntil(Mutex& mutex, Deadline deadline, Ready ready) REQUIRES(mutex) {
    return condition_.wait_until(mutex, deadline.at(), ready);
  }
  void notifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace tsring
