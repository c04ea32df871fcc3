#include "transport/memory/memory_network.h"

#include <algorithm>
#include <string>

namespace tsring {

/// Wakes a rank up to look at its links again.
void MemoryNetwork::State::notify(int rank) {
  Member& member = members[static_cast<size_t>(rank)];
  ++member.changes;
  member.changed.notifyAll();
}

void MemoryNetwork::State::notifyAll() {
  for (size_t rank = 0; rank < members.size(); ++rank) notify(static_cast<int>(rank));
}

class MemoryMesh final : public Mesh {
 public:
  MemoryMesh(int rank, std::shared_ptr<MemoryNetwork::State> state) : rank_(rank), state_(std::move(state)) {
    MutexLock lock(state_->mutex);
    size_ = static_cast<int>(state_->members.size());
  }

  ~MemoryMesh() override {
    MutexLock lock(state_->mutex);
    for (int peer = 0; peer < size_; ++peer) {
      link(rank_, peer).dropSender();
      link(peer, rank_).dropReceiver();
    }
    state_->notifyAll();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  Result<size_t> trySend(int peer, std::span<const std::byte> bytes) override {
    MutexLock lock(state_->mutex);
    auto sent = link(rank_, peer).send(bytes);
    if (!sent.ok()) return named(peer, sent.status());
    state_->notify(peer);
    return sent;
  }

  Result<size_t> tryReceive(int peer, std::span<std::byte> bytes) override {
    MutexLock lock(state_->mutex);
    auto got = link(peer, rank_).receive(bytes);
    if (!got.ok()) return named(peer, got.status());
    state_->notify(peer);
    return got;
  }

  Status wait(std::span<const Interest> interests, Deadline deadline) override {
    MutexLock lock(state_->mutex);
    MemoryNetwork::Member& self = state_->members[static_cast<size_t>(rank_)];
    while (!self.interrupted) {
      if (std::ranges::any_of(interests, [&](const Interest& interest) { return ready(interest); })) {
        return Status::okay();
      }
      if (deadline.passed()) return Status(StatusCode::kTimeout, "timed out");
      Deadline next = deadline;
      for (const Interest& interest : interests) {
        if (interest.receive) next = next.earlier(Deadline(link(interest.peer, rank_).nextArrival()));
      }
      const unsigned seen = self.changes;
      self.changed.waitUntil(state_->mutex, next, [&] { return self.changes != seen; });
    }
    return Status(StatusCode::kShutDown, "interrupted");
  }

  void interrupt() override {
    MutexLock lock(state_->mutex);
    state_->members[static_cast<size_t>(rank_)].interrupted = true;
    state_->notify(rank_);
  }

 private:
  MemoryLink& link(int from, int to) REQUIRES(state_->mutex) {
    return state_->links[static_cast<size_t>(from)][static_cast<size_t>(to)];
  }
  bool ready(const Interest& interest) REQUIRES(state_->mutex) {
    return (interest.send && link(rank_, interest.peer).wantsSend()) ||
           (interest.receive && link(interest.peer, rank_).wantsReceive());
  }
  static Status named(int peer, const Status& status) {
    return status.withPrefix("rank " + std::to_string(peer) + ": ");
  }

  const int rank_;
  int size_;
  const std::shared_ptr<MemoryNetwork::State> state_;
};

MemoryNetwork::MemoryNetwork(int size, size_t linkCapacity) : state_(std::make_shared<State>()) {
  MutexLock lock(state_->mutex);
  state_->members = std::vector<Member>(static_cast<size_t>(size));
  state_->links.resize(static_cast<size_t>(size));
  for (auto& row : state_->links) {
    for (int to = 0; to < size; ++to)
      row.emplace_back(linkCapacity, static_cast<unsigned>(&row - &state_->links[0]) + 1);
  }
}

void MemoryNetwork::disturb(int from, int to, const LinkFaults& faults) {
  MutexLock lock(state_->mutex);
  state_->links[static_cast<size_t>(from)][static_cast<size_t>(to)].disturb(faults);
  state_->notifyAll();
}

void MemoryNetwork::disturbAll(const LinkFaults& faults) {
  MutexLock lock(state_->mutex);
  for (auto& row : state_->links) {
    for (MemoryLink& link : row) link.disturb(faults);
  }
  state_->notifyAll();
}

std::unique_ptr<Mesh> MemoryNetwork::join(int rank) {
  return std::make_unique<MemoryMesh>(rank, state_);
}

}  // namespace tsring
