#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/status.h"
#include "engine/members.h"
#include "engine/request.h"

namespace tsring {

/// What the coordinator found once all ranks had asked for an operation of one name.
struct Verdict {
  std::string name;
  Status status;                                  // kMismatch: nothing is done, on any rank
  std::vector<std::vector<Shape>> shapes;         // by rank, then by tensor; filled where the shapes may differ
  std::vector<std::vector<int64_t>> splits = {};  // by rank, then by receiver; filled for an alltoall
  std::optional<Request> request = {};            // for ranks that have joined, and take part without having asked
  int32_t lastRank = -1;                          // of a join: who came last, by place
  int32_t hostRank = -1;  // of what may go by host: who has its tensors in main memory, by place; -1: nobody
  /// By what ranks may ask for the same again, and what they must ask for in full from now on; 0: nothing.
  uint32_t number = 0;
  uint32_t forgotten = 0;
  // Of rank 0 alone, not sent with a verdict.
  std::vector<Request> asked = {};  // by rank; of a good verdict on what all have asked for, and is worth knowing
  int32_t priority = 0;             // as rank 0 asked for it; 0 where that has joined
};

/// An operation that some ranks wait for.
struct Incomplete {
  std::string what;  // `allreduce "x"`
  Clock::time_point begun;
  std::vector<int> missing;
  std::vector<int> waiting;
  std::string name;
  bool joins = false;  // a join waits for as long as the others have work
};

/// Rank 0's table of who has asked for what. Pure thinking: no clock, no I/O. Used by the control thread of rank 0.
class Negotiator {
 public:
  explicit Negotiator(Members members)
      : members_(std::move(members)), size_(static_cast<size_t>(members_.size())), joined_(size_) {}
  explicit Negotiator(int size) : Negotiator(Members(size)) {}

  /// `rank` has asked for `request`. A verdict when it was the last: with nothing but its name and `number` where all
  /// have asked by that number, as what they ask for is known to be good.
  std::optional<Verdict> add(int rank, Request request, Clock::time_point now, uint32_t number = 0);

  /// `rank` has asked for a join: it asks for nothing more until all have joined, and takes part in what the others do.
  /// Verdicts on what lacked nobody but ranks that have joined, and at the end on the join when all have.
  std::vector<Verdict> join(int rank, Request request, Clock::time_point now);
  /// Forgets an operation that lacks ranks, and says which. Only while holds(name).
  Incomplete giveUp(const std::string& name);

  /// All operations that still lack ranks, the longest waiting first, and then a join: what each rank waits for when
  /// one of them is late.
  std::vector<Incomplete> incomplete() const;

  /// An operation that can never be complete because `rank`, which left, has not asked for it; nothing if there is
  /// none.
  std::optional<std::string> blockedBy(int rank) const;

  /// Whether an operation of this name waits for ranks.
  bool holds(const std::string& name) const { return pending_.contains(name); }
  bool empty() const { return pending_.empty(); }
  /// When the oldest operation was begun, a join only if nothing else waits; only when not empty().
  Clock::time_point oldest() const;

 private:
  struct Entry {
    std::vector<std::optional<Request>> byRank;
    size_t count = 0;
    uint32_t number = 0;  // by which all that are there have asked
    Clock::time_point begun;
  };
  static bool isJoin(const Entry& entry);
  bool complete(const Entry& entry) const;
  bool joinedWithout(const Entry& entry, size_t rank) const { return joined_[rank] && !entry.byRank[rank]; }
  std::optional<Verdict> settled(const std::string& name, Clock::time_point now);
  Incomplete describeIncomplete(const std::string& name, const Entry& entry) const;
  Verdict judge(const std::string& name, Entry& entry) const;
  Status judgeAbsent(const Entry& entry, const RequestHeader& header) const;
  const Members members_;
  const size_t size_;
  std::map<std::string, Entry> pending_;
  std::vector<bool> joined_;
  std::string joinName_;  // of the join that some have asked for
};

/// Whether two ranks mean the same operation. Fails with kMismatch, naming both ranks and what differs.
Status compareRequests(int rankA, const Request& a, int rankB, const Request& b);

}  // namespace tsring
