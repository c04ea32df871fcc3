#include "test/helpers/ring_of_sessions.h"

#include <gtest/gtest.h>

#include <tuple>

#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"

namespace tsring {

SessionOptions testOptions() {
  SessionOptions options;
  options.jobId = testJob().jobId;
  options.secret = testJob().secret;
  options.generation = 3;
  options.timeout = milliseconds(20'000);
  options.heartbeatTimeout = milliseconds(20'000);
  options.transport = Transport::kTcp;
  options.logLevel = LogLevel::kError;
  return options;
}

RingOfSessions::RingOfSessions(const std::string& hosts, const std::function<SessionOptions(int rank)>& optionsOf,
                               const std::function<void(int rank)>& before) {
  const int size = static_cast<int>(hosts.size());
  std::vector<PeerAddress> peers;
  for (int rank = 0; rank < size; ++rank) {
    SessionOptions own = optionsOf(rank);
    own.rank = rank;
    own.size = size;
    sessions_.push_back(Session::create(own));
    const auto port = sessions_.back()->listen("127.0.0.1");
    EXPECT_TRUE(isOk(port));
    peers.push_back({"127.0.0.1", port.value(), "host" + std::to_string(rank),
                     "host " + hosts.substr(static_cast<size_t>(rank), 1)});
  }
  onRanks(size, [&](int rank) {
    before(rank);
    EXPECT_TRUE(isOk((*this)[rank].connect(peers, soon())));
  });
}

RingOfSessions::~RingOfSessions() {
  onRanks(size(), [&](int rank) { (*this)[rank].close(); });
}

Running::Running(Session& session, RequestHeader header, std::vector<std::vector<float>> values,
                 std::vector<Shape> shapes, bool ownOutput)
    : values_(std::move(values)), ticket_(session.open(std::move(header))) {
  if (ownOutput) results_ = values_;
  std::vector<TensorBuffer> buffers;
  for (size_t i = 0; i < values_.size(); ++i) {
    if (shapes.size() == i) shapes.push_back({static_cast<int64_t>(values_[i].size())});
    auto* const output = ownOutput ? reinterpret_cast<std::byte*>(results_[i].data()) : nullptr;
    buffers.push_back({reinterpret_cast<const std::byte*>(values_[i].data()), output});
  }
  submitted_ = session.submit(ticket_, std::move(shapes), std::move(buffers));
}

Running::~Running() {
  if (!ticket_) return;
  if (submitted_.ok()) {
    std::ignore = ticket_->wait(soon());
    EXPECT_TRUE(ticket_->settled());  // or the engine might still use our memory
  }
  TicketTable::process().close(ticket_->id);
}

Status Running::wait() {
  if (!submitted_.ok()) return submitted_;
  outcome_ = ticket_->wait(soon());
  return outcome_.status;
}

std::vector<float> Running::numbers(size_t tensor) const {
  if (!results_.empty()) return results_.at(tensor);
  const auto* data = reinterpret_cast<const float*>(outcome_.data.at(tensor));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 64, 0u);
  return {data, data + elementCount(outcome_.shapes.at(tensor))};
}

RequestHeader sumOf(std::string name) {
  return headerOf(OperationKind::kAllreduce, std::move(name));
}

RequestHeader headerOf(OperationKind kind, std::string name, int32_t rootRank) {
  return {kind, std::move(name), DType::kFloat32, ReduceOp::kSum, rootRank};
}

Running startSum(Session& session, const std::string& name, std::vector<float> values) {
  std::vector<std::vector<float>> tensors;
  tensors.push_back(std::move(values));
  return {session, sumOf(name), std::move(tensors)};
}

}  // namespace tsring
