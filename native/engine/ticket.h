#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "engine/block_pool.h"
#include "engine/request.h"

namespace tsring {

class Session;

/// What became of an operation. `data` and `memory` are set where the engine provided the results' memory.
struct Outcome {
  Status status;
  std::vector<Shape> shapes;      // one a tensor
  std::vector<std::byte*> data;   // one a tensor, 64-byte aligned, inside `memory`; empty where the caller gave outputs
  std::shared_ptr<Block> memory;  // keep a copy for as long as any of `data` is used
  /// Instead of `memory` where the tensors are on a GPU, and so is `data`.
  std::shared_ptr<std::byte> deviceMemory = nullptr;
  std::vector<int64_t> splits = {};  // alltoall: how many rows came from each rank
  int32_t lastRank = -1;             // of a join: who came last, by place
};

/// One operation from submission to result. Settled once by the engine; waited for by whoever asked for it. Any thread.
class Ticket {
 public:
  Ticket(int32_t id, std::weak_ptr<Session> session, RequestHeader header)
      : id(id), session(std::move(session)), header(std::move(header)) {}

  /// Engine only, once.
  void settle(Outcome outcome);

  /// Blocks until settled. Past `deadline` the result is kTimeout and the operation may still be running.
  Outcome wait(Deadline deadline);

  /// Calls `then` once settled, on the thread that settles, or at once when it already is.
  void onSettled(std::function<void()> then);

  bool settled() const;

  const int32_t id;
  /// Not kept alive by its tickets: the data thread holds those, and must not be the one to end its own session. One
  /// that is gone has settled all that it was handed.
  const std::weak_ptr<Session> session;
  const RequestHeader header;
  /// Its number in the flight recorder; set before the engine has the ticket.
  uint64_t record = 0;

 private:
  mutable Mutex mutex_;
  Condition changed_;
  bool settled_ GUARDED_BY(mutex_) = false;
  Outcome outcome_ GUARDED_BY(mutex_);
  std::function<void()> then_ GUARDED_BY(mutex_);
};

/// Tickets by number, for the whole process: a TensorFlow kernel gets nothing but tensors, so a number in a tensor is
/// the only thread back to the session. Any thread.
class TicketTable {
 public:
  static TicketTable& process();

  std::shared_ptr<Ticket> open(std::weak_ptr<Session> session, RequestHeader header);
  /// Null when there is no such ticket.
  std::shared_ptr<Ticket> find(int32_t id);
  void close(int32_t id);

 private:
  Mutex mutex_;
  int32_t nextId_ GUARDED_BY(mutex_) = 1;
  std::unordered_map<int32_t, std::shared_ptr<Ticket>> tickets_ GUARDED_BY(mutex_);
};

}  // namespace tsring
