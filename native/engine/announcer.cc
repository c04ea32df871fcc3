#include "engine/announcer.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace tsring {
namespace {

// What is refused costs no time, and need not wait. A join goes last: all that came before it goes before.
bool goesBefore(const Verdict& a, const Verdict& b) {
  const auto place = [](const Verdict& verdict) {
    return std::tuple(verdict.status.ok(), verdict.lastRank >= 0, -int64_t{verdict.priority});
  };
  return place(a) < place(b);
}

}  // namespace

void Announcer::add(Verdict verdict) {
  if (verdict.priority != 0) inTurn_ = true;
  waiting_.push_back(std::move(verdict));
}

void Announcer::release() {
  if (inTurn_) std::ranges::stable_sort(waiting_, goesBefore);
  while (!waiting_.empty()) {
    if (inTurn_ && waiting_.front().status.ok() && ways_.underWay() >= kAhead) break;
    releaseFirst();
  }
  sendNumbers();
}

void Announcer::releaseAll() {
  while (!waiting_.empty()) releaseFirst();
  sendNumbers();
}

void Announcer::releaseFirst() {
  Verdict verdict = std::move(waiting_.front());
  waiting_.pop_front();
  // Nothing that is awaited is forgotten: a number by which all have asked is still good.
  if (verdict.number == 0) return releaseInFull(std::move(verdict));
  numbers_.push_back(verdict.number);
  ways_.onVerdict(cache_.use(verdict.number));
}

void Announcer::releaseInFull(Verdict verdict) {
  sendNumbers();
  ByteWriter out;
  encode(verdict, out);
  if (out.size() > mostBytes_) {
    verdict = Verdict{
        verdict.name,
        Status(StatusCode::kInvalidArgument, "tensor \"" + verdict.name + "\": the shapes that all ranks gave take " +
                                                 std::to_string(out.size()) + " bytes, at most " +
                                                 std::to_string(mostBytes_) + " go; gather fewer tensors in one group"),
        {}};
  }
  if (auto byRank = std::exchange(verdict.asked, {}); verdict.status.ok() && !byRank.empty()) {
    const auto kept = cache_.keep(verdict, std::move(byRank), [this](const auto& name) { return awaited(name); });
    verdict.number = kept.number;
    verdict.forgotten = kept.forgotten;
  }
  out = ByteWriter();
  encode(verdict, out);
  ways_.sendToAll(FrameType::kVerdict, out.bytes());
  ways_.onVerdict(std::move(verdict));
}

void Announcer::sendNumbers() {
  if (numbers_.empty()) return;
  ByteWriter out;
  encode(std::exchange(numbers_, {}), out);
  ways_.sendToAll(FrameType::kKnownVerdicts, out.bytes());
}

bool Announcer::awaited(const std::string& name) const {
  if (ways_.awaited(name)) return true;
  return std::ranges::any_of(waiting_, [&](const Verdict& verdict) { return verdict.name == name; });
}

}  // namespace tsring
