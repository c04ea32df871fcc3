#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/session.h"
#include "engine/ticket.h"
#include "test/helpers/waits.h"

namespace tsring {

/// What tests give all ranks of a ring; rank and size are filled in.
SessionOptions testOptions();
inline constexpr Transport kTransports[] = {Transport::kTcp, Transport::kShm};
inline std::string transportName(Transport transport) {
  return transport == Transport::kTcp ? "Tcp" : "Shm";
}

/// A ring of sessions in this process, linked up over loopback. Closed, all ranks at once, when it goes.
class RingOfSessions {
 public:
  explicit RingOfSessions(int size, const SessionOptions& options = testOptions())
      : RingOfSessions(std::string(static_cast<size_t>(size), 'a'), options) {}
  /// On several hosts, as far as the ranks know: one letter a rank.
  explicit RingOfSessions(const std::string& hosts, const SessionOptions& options = testOptions())
      : RingOfSessions(hosts, [&](int /*rank*/) { return options; }) {}
  /// With options of each rank's own.
  RingOfSessions(int size, const std::function<SessionOptions(int rank)>& optionsOf)
      : RingOfSessions(std::string(static_cast<size_t>(size), 'a'), optionsOf) {}
  /// `before` runs on the thread that a rank connects on.
  RingOfSessions(
      const std::string& hosts, const std::function<SessionOptions(int rank)>& optionsOf,
      const std::function<void(int rank)>& before = [](int /*rank*/) {});
  ~RingOfSessions();
  RingOfSessions(const RingOfSessions&) = delete;
  RingOfSessions& operator=(const RingOfSessions&) = delete;

  int size() const { return static_cast<int>(sessions_.size()); }
  Session& operator[](int rank) const { return *sessions_[static_cast<size_t>(rank)]; }

 private:
  std::vector<std::shared_ptr<Session>> sessions_;
};

/// An operation under way, whose numbers live here. With `ownOutput` the results get memory of ours, else the engine's.
class Running {
 public:
  Running(Session& session, RequestHeader header, std::vector<std::vector<float>> values,
          std::vector<Shape> shapes = {}, bool ownOutput = false);
  Running(Running&&) = default;
  ~Running();

  /// The status of the submission when that failed, else of the operation.
  Status wait();
  /// After a good wait: the numbers of one tensor, and its shape.
  std::vector<float> numbers(size_t tensor = 0) const;
  const Shape& shape(size_t tensor = 0) const { return outcome_.shapes.at(tensor); }
  const std::vector<float>& given(size_t tensor = 0) const { return values_.at(tensor); }

 private:
  std::vector<std::vector<float>> values_;
  std::vector<std::vector<float>> results_;
  std::shared_ptr<Ticket> ticket_;
  Status submitted_;
  Outcome outcome_;
};

RequestHeader sumOf(std::string name);
RequestHeader headerOf(OperationKind kind, std::string name, int32_t rootRank = 0);

/// A sum of a few floats, from submission to result.
Running startSum(Session& session, const std::string& name, std::vector<float> values);

}  // namespace tsring
