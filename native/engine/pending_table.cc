#include "engine/pending_table.h"

namespace tsring {

Status failureOf(const RequestHeader& header, const Status& reason) {
  return reason.withSuffix("; " + describe(header) + " cannot be completed");
}

Status joinedAlready(const RequestHeader& header) {
  return Status(StatusCode::kInvalidArgument,
                describe(header) + ": this rank has joined; wait until all have, which ends the join");
}

Status PendingTable::add(Operation operation) {
  MutexLock lock(mutex_);
  if (!failed_.ok()) return failureOf(operation.request.header, failed_);
  if (joining_.load()) return joinedAlready(operation.request.header);
  const std::string name = operation.request.header.name;
  if (byName_.contains(name)) {
    return Status(StatusCode::kDuplicateName,
                  describe(operation.request.header) +
                      ": an operation of this name is under way; wait for it, or give another name");
  }
  if (operation.request.header.kind == OperationKind::kJoin) joining_.store(true);
  if (recorder_ && operation.ticket->record == 0) {
    operation.ticket->record = recorder_->submitted(operation.request, false);
  }
  byName_.emplace(name, std::move(operation));
  if (agreement_) agreement_->busy();
  return Status::okay();
}

std::optional<Operation> PendingTable::take(const std::string& name) {
  MutexLock lock(mutex_);
  const auto it = byName_.find(name);
  if (it == byName_.end() || !it->second) return std::nullopt;
  return std::exchange(it->second, std::nullopt);
}

bool PendingTable::standIn(const std::string& name) {
  MutexLock lock(mutex_);
  if (!failed_.ok()) return false;
  byName_.emplace(name, std::nullopt);
  if (agreement_) agreement_->busy();
  return true;
}

void PendingTable::settle(const std::shared_ptr<Ticket>& ticket, Outcome outcome) {
  {
    MutexLock lock(mutex_);
    byName_.erase(ticket->header.name);
    if (ticket->header.kind == OperationKind::kJoin) joining_.store(false);
    if (agreement_) agreement_->idle();
  }
  if (recorder_) recorder_->ended(ticket->record, outcome.status);
  ticket->settle(std::move(outcome));
}

std::vector<std::string> PendingTable::fail(const Status& reason) {
  std::vector<Operation> failed;
  {
    MutexLock lock(mutex_);
    if (failed_.ok()) failed_ = reason;
    for (auto it = byName_.begin(); it != byName_.end();) {
      if (!it->second) {
        ++it;
        continue;
      }
      failed.push_back(*std::move(it->second));
      it = byName_.erase(it);
      if (agreement_) agreement_->idle();
    }
  }
  std::vector<std::string> names;
  for (const Operation& operation : failed) {
    if (recorder_) recorder_->ended(operation.ticket->record, reason);
    operation.ticket->settle({failureOf(operation.request.header, reason), {}, {}, nullptr});
    names.push_back(operation.request.header.name);
  }
  return names;
}

std::vector<std::string> PendingTable::unsettled() {
  MutexLock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& item : byName_) names.push_back(item.first);
  return names;
}

}  // namespace tsring
