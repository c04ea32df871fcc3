#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "engine/flight_recorder.h"
#include "engine/request.h"
#include "engine/staging.h"
#include "engine/ticket.h"
#include "transport/agreement.h"

namespace tsring {

/// An operation that this rank has asked for.
struct Operation {
  std::shared_ptr<Ticket> ticket;
  Request request;
  std::vector<TensorBuffer> tensors;
  std::vector<std::vector<Shape>> shapesByRank;         // where they may differ: what the others bring
  std::vector<std::vector<int64_t>> splitsByRank = {};  // alltoall: how they split it
  int32_t lastRank = -1;                                // join: who came last
  int32_t hostRank = -1;                                // of what may go by host: who has its tensors there
  Staging* staging = nullptr;                           // of copies in main memory of tensors that are on a GPU

  /// In main memory: to be called before a tensor is read, and once its result is as it should be.
  Status awaitInput(size_t index) const { return staging ? staging->awaitInput(index) : Status::okay(); }
  Status takeOutput(size_t index) const { return staging ? staging->takeOutput(index) : Status::okay(); }
};

/// The operations of this rank that are not done, by name. Any thread.
class PendingTable {
 public:
  /// Tells `agreement` of every operation that is not done. Before the first operation.
  void announceTo(Agreement* agreement) { agreement_ = agreement; }
  /// Tells `recorder` of every step of an operation. Before the first operation.
  void recordIn(FlightRecorder* recorder) { recorder_ = recorder; }

  /// kDuplicateName while an operation of this name is not done; the reason of the failure once the table was failed.
  Status add(Operation operation);

  /// Hands out an operation that all ranks have agreed on; its name stays taken until settle().
  std::optional<Operation> take(const std::string& name);

  /// Takes note of an operation of the others in which this rank, which has joined, stands in; false once the table
  /// was failed. Ends with settle().
  bool standIn(const std::string& name);

  /// Whether this rank has asked for a join that is not done: it asks for nothing else.
  bool joining() const { return joining_.load(); }

  /// Frees the name, then settles the ticket.
  void settle(const std::shared_ptr<Ticket>& ticket, Outcome outcome);

  /// Settles all that were not handed out with `reason`, and refuses new ones with it from now on. The first reason
  /// stays. Returns the names of those it settled.
  std::vector<std::string> fail(const Status& reason);

  /// The names of operations that are not settled.
  std::vector<std::string> unsettled();

 private:
  Agreement* agreement_ = nullptr;
  std::atomic<bool> joining_ = false;
  FlightRecorder* recorder_ = nullptr;
  Mutex mutex_;
  std::unordered_map<std::string, std::optional<Operation>> byName_ GUARDED_BY(mutex_);  // empty: handed out
  Status failed_ GUARDED_BY(mutex_);
};

/// What a call gets on a rank that has joined.
Status joinedAlready(const RequestHeader& header);

/// `reason`, told of one operation.
Status failureOf(const RequestHeader& header, const Status& reason);

}  // namespace tsring
