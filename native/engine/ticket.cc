#include "engine/ticket.h"

namespace tsring {

void Ticket::settle(Outcome outcome) {
  std::function<void()> then;
  {
    MutexLock lock(mutex_);
    if (settled_) return;
    settled_ = true;
    outcome_ = std::move(outcome);
    then = std::move(then_);
    changed_.notifyAll();
  }
  if (then) then();
}

Outcome Ticket::wait(Deadline deadline) {
  MutexLock lock(mutex_);
  if (changed_.waitUntil(mutex_, deadline, [this] { return settled_; })) return outcome_;
  return {Status(StatusCode::kTimeout, describe(header) + " was not done in time"), {}, {}, nullptr};
}

void Ticket::onSettled(std::function<void()> then) {
  {
    MutexLock lock(mutex_);
    if (!settled_) {
      then_ = std::move(then);
      return;
    }
  }
  then();
}

bool Ticket::settled() const {
  MutexLock lock(mutex_);
  return settled_;
}

TicketTable& TicketTable::process() {
  static auto* table =
      new TicketTable;  // never destroyed: TensorFlow may release tensors after our destructors have run
  return *table;
}

std::shared_ptr<Ticket> TicketTable::open(std::weak_ptr<Session> session, RequestHeader header) {
  MutexLock lock(mutex_);
  while (tickets_.contains(nextId_)) nextId_ = nextId_ == INT32_MAX ? 1 : nextId_ + 1;
  const int32_t id = nextId_;
  nextId_ = nextId_ == INT32_MAX ? 1 : nextId_ + 1;
  return tickets_[id] = std::make_shared<Ticket>(id, std::move(session), std::move(header));
}

std::shared_ptr<Ticket> TicketTable::find(int32_t id) {
  MutexLock lock(mutex_);
  const auto it = tickets_.find(id);
  return it == tickets_.end() ? nullptr : it->second;
}

void TicketTable::close(int32_t id) {
  MutexLock lock(mutex_);
  tickets_.erase(id);
}

}  // namespace tsring
