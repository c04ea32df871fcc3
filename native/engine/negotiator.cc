#include "engine/negotiator.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace tsring {
namespace {

// Operations that bring each rank's rows together let the first dimension differ from rank to rank.
bool shapesMayDiffer(OperationKind kind) {
  return kind == OperationKind::kAllgather || kind == OperationKind::kAlltoall;
}

bool shapesAgree(OperationKind kind, const Shape& a, const Shape& b) {
  if (!shapesMayDiffer(kind)) return a == b;
  return a.size() == b.size() && std::equal(a.begin() + !a.empty(), a.end(), b.begin() + !b.empty());
}

const std::optional<Request>& firstOf(const std::vector<std::optional<Request>>& requests) {
  return *std::ranges::find_if(requests, [](const auto& request) { return request.has_value(); });
}

/// Tensors on a GPU that may go by host go with those that are there.
bool memoriesAgree(MemoryKind a, MemoryKind b) {
  return (a == MemoryKind::kCuda) == (b == MemoryKind::kCuda);
}

/// Who has its tensors in main memory, where others leave the choice; -1: nobody, or there is no choice.
int32_t hostRankOf(const std::vector<std::optional<Request>>& requests) {
  const auto leavesChoice = [](const auto& request) { return request && request->header.mayGoByHost(); };
  if (std::ranges::none_of(requests, leavesChoice)) return -1;
  const auto onHost = [](const auto& request) { return request && !request->header.onDevice(); };
  const auto found = std::ranges::find_if(requests, onHost);
  return found == requests.end() ? -1 : static_cast<int32_t>(found - requests.begin());
}

std::string toText(double factor) {
  std::array<char, 32> digits;
  return {digits.data(), std::to_chars(digits.begin(), digits.end(), factor).ptr};
}

}  // namespace

Status compareRequests(int rankA, const Request& a, int rankB, const Request& b) {
  const auto differ = [&](std::string_view what, std::string_view ofB, std::string_view ofA, std::string_view wayOut) {
    std::string text = "tensor \"" + a.header.name + "\": rank " + std::to_string(rankB) + " gave ";
    text.append(what)
        .append(" ")
        .append(ofB)
        .append(", rank ")
        .append(std::to_string(rankA))
        .append(" gave ")
        .append(ofA);
    return Status(StatusCode::kMismatch, text.append("; ").append(wayOut));
  };
  const RequestHeader& x = a.header;
  const RequestHeader& y = b.header;
  const std::string_view sameCall = "all ranks must make the same call under one name";
  const std::string_view sameModel = "is it the same model on both?";
  if (x.kind != y.kind) return differ("operation", operationName(y.kind), operationName(x.kind), sameCall);
  if (x.dtype != y.dtype) return differ("dtype", dtypeName(y.dtype), dtypeName(x.dtype), sameModel);
  if (reduces(x.kind) && x.op != y.op) return differ("op", reduceOpName(y.op), reduceOpName(x.op), sameCall);
  if (reduces(x.kind) && x.prescale != y.prescale)
    return differ("prescaleFactor", toText(y.prescale), toText(x.prescale), sameCall);
  if (reduces(x.kind) && x.postscale != y.postscale)
    return differ("postscaleFactor", toText(y.postscale), toText(x.postscale), sameCall);
  if (x.payload != y.payload) return differ("payload", dtypeName(y.payload), dtypeName(x.payload), sameCall);
  if (!memoriesAgree(x.memory, y.memory)) return differ("memory", memoryName(y.memory), memoryName(x.memory), sameCall);
  if (x.kind == OperationKind::kBroadcast && x.rootRank != y.rootRank) {
    return differ("root rank", std::to_string(y.rootRank), std::to_string(x.rootRank), sameCall);
  }
  if (x.splits.size() != y.splits.size()) {
    return differ("splits for", std::to_string(y.splits.size()) + " ranks", std::to_string(x.splits.size()), sameCall);
  }
  if (a.shapes.size() != b.shapes.size()) {
    return differ("a group of", std::to_string(b.shapes.size()) + " tensors", std::to_string(a.shapes.size()),
                  sameModel);
  }
  for (size_t i = 0; i < a.shapes.size(); ++i) {
    if (shapesAgree(x.kind, a.shapes[i], b.shapes[i])) continue;
    const std::string which = a.shapes.size() > 1 ? "(number " + std::to_string(i) + " of the group) shape" : "shape";
    return differ(which, describe(b.shapes[i]), describe(a.shapes[i]), sameModel);
  }
  return Status::okay();
}

std::optional<Verdict> Negotiator::add(int rank, Request request, Clock::time_point now, uint32_t number) {
  const std::string name = request.header.name;
  Entry& entry = pending_[name];
  if (entry.byRank.empty()) {
    entry.byRank.resize(size_);
    entry.begun = now;
    entry.number = number;
  }
  if (entry.number != number) entry.number = 0;
  auto& slot = entry.byRank[static_cast<size_t>(rank)];
  if (!slot) ++entry.count;
  slot = std::move(request);
  return settled(name, now);
}

std::vector<Verdict> Negotiator::join(int rank, Request request, Clock::time_point now) {
  joined_[static_cast<size_t>(rank)] = true;
  joinName_ = request.header.name;
  std::vector<std::string> names;
  for (const auto& item : pending_) names.push_back(item.first);
  // The oldest first: in the order in which they would have come about.
  std::ranges::stable_sort(names, {}, [this](const auto& name) { return pending_[name].begun; });
  std::vector<Verdict> verdicts;
  for (const std::string& name : names) {
    if (auto verdict = settled(name, now)) verdicts.push_back(*std::move(verdict));
  }
  if (auto verdict = add(rank, std::move(request), now)) {
    verdict->lastRank = rank;
    verdicts.push_back(*std::move(verdict));
  }
  return verdicts;
}

// The verdict on an operation once nobody is missing.
std::optional<Verdict> Negotiator::settled(const std::string& name, Clock::time_point now) {
  const auto it = pending_.find(name);
  if (!complete(it->second)) return std::nullopt;
  const auto& ours = it->second.byRank.front();
  const int32_t priority = ours ? ours->header.priority : 0;
  Verdict verdict = judge(name, it->second);
  verdict.priority = priority;
  for (size_t rank = 0; rank < size_; ++rank) {
    const auto& request = it->second.byRank[rank];
    if (request && request->header.kind == OperationKind::kJoin) joined_[rank] = false;
  }
  pending_.erase(it);
  // A join may wait for as long as the others get on.
  if (const auto waiting = pending_.find(joinName_); waiting != pending_.end()) waiting->second.begun = now;
  return verdict;
}

bool Negotiator::isJoin(const Entry& entry) {
  return firstOf(entry.byRank)->header.kind == OperationKind::kJoin;
}

bool Negotiator::complete(const Entry& entry) const {
  if (isJoin(entry)) return entry.count == size_;
  for (size_t rank = 0; rank < size_; ++rank) {
    if (!entry.byRank[rank] && !joined_[rank]) return false;
  }
  return true;
}

Incomplete Negotiator::giveUp(const std::string& name) {
  const auto it = pending_.find(name);
  Incomplete given = describeIncomplete(name, it->second);
  pending_.erase(it);
  return given;
}

std::vector<Incomplete> Negotiator::incomplete() const {
  std::vector<Incomplete> all;
  for (const auto& [name, entry] : pending_) all.push_back(describeIncomplete(name, entry));
  std::ranges::stable_sort(all, {}, [](const Incomplete& each) { return std::pair(each.joins, each.begun); });
  return all;
}

Incomplete Negotiator::describeIncomplete(const std::string& name, const Entry& entry) const {
  Incomplete found{describe(firstOf(entry.byRank)->header), entry.begun, {}, {}, name, isJoin(entry)};
  for (size_t rank = 0; rank < size_; ++rank) {
    if (joinedWithout(entry, rank)) continue;
    (entry.byRank[rank] ? found.waiting : found.missing).push_back(static_cast<int>(rank));
  }
  return found;
}

std::optional<std::string> Negotiator::blockedBy(int rank) const {
  for (const auto& [name, entry] : pending_) {
    if (!entry.byRank[static_cast<size_t>(rank)] && !joined_[static_cast<size_t>(rank)])
      return describe(firstOf(entry.byRank)->header);
  }
  return std::nullopt;
}

Clock::time_point Negotiator::oldest() const {
  const auto age = [](const auto& item) { return std::pair(isJoin(item.second), item.second.begun); };
  return std::ranges::min_element(pending_, {}, age)->second.begun;
}

Verdict Negotiator::judge(const std::string& name, Entry& entry) const {
  Verdict verdict{name, {}, {}};
  auto& asked = entry.byRank;
  if (entry.number != 0 && entry.count == size_) {
    verdict.number = entry.number;
    return verdict;
  }
  const auto first = static_cast<size_t>(&firstOf(asked) - asked.data());
  for (size_t rank = first + 1; rank < size_ && verdict.status.ok(); ++rank) {
    if (!asked[rank]) continue;
    verdict.status = compareRequests(members_.numberOf(static_cast<int>(first)), *asked[first],
                                     members_.numberOf(static_cast<int>(rank)), *asked[rank]);
  }
  const RequestHeader& header = asked[first]->header;
  if (verdict.status.ok()) verdict.status = judgeAbsent(entry, header);
  if (!verdict.status.ok()) return verdict;
  verdict.hostRank = hostRankOf(asked);
  if (entry.count < size_) {
    verdict.request = asked[first];
    if (verdict.hostRank >= 0) verdict.request->header.memory = MemoryKind::kHost;
  }
  if (shapesMayDiffer(header.kind)) {
    for (const auto& request : asked) {
      verdict.shapes.push_back(request ? request->shapes : withoutRows(asked[first]->shapes));
      if (request && !request->header.splits.empty()) verdict.splits.push_back(request->header.splits);
    }
  }
  if (entry.count == size_ && worthKnowing(header.kind)) {
    for (auto& request : asked) verdict.asked.push_back(*std::move(request));
  }
  return verdict;
}

// Whether the operation can be done with ranks that have joined and bring nothing.
Status Negotiator::judgeAbsent(const Entry& entry, const RequestHeader& header) const {
  const auto refuse = [&](size_t rank, const std::string& why) {
    return Status(StatusCode::kInvalidArgument, describe(header) + ": rank " +
                                                    std::to_string(members_.numberOf(static_cast<int>(rank))) +
                                                    " has joined, " + why);
  };
  for (size_t rank = 0; rank < size_; ++rank) {
    if (!joinedWithout(entry, rank)) continue;
    switch (header.kind) {
      case OperationKind::kAllreduce:
        if (header.op == ReduceOp::kSum || header.op == ReduceOp::kAverage || header.op == ReduceOp::kAdasum) break;
        return refuse(rank, "and the zeros that it brings would change the " + std::string(reduceOpName(header.op)) +
                                "; sum, average and adasum go");
      case OperationKind::kBroadcast:
        if (header.rootRank != members_.numberOf(static_cast<int>(rank))) break;
        return refuse(rank, "and is the root; choose a root that has work to do");
      case OperationKind::kAllgather:
      case OperationKind::kBarrier:
      case OperationKind::kRetune:
        break;
      default:
        return refuse(rank, "and cannot take part in this; wait until all have joined");
    }
  }
  return Status::okay();
}

}  // namespace tsring
