#include "engine/announcer.h"

#include <algorithm>
#include <utility>

namespace tsring {

void Announcer::release() {
  if (waiting_.empty()) return;
  releasing_ = std::exchange(waiting_, {});
  for (next_ = 0; next_ < releasing_.size();) {
    Verdict verdict = std::move(releasing_[next_++]);
    // Nothing that is awaited is forgotten: a number by which all have asked is still good.
    if (verdict.number == 0) {
      releaseInFull(std::move(verdict));
      continue;
    }
    numbers_.push_back(verdict.number);
    ways_.onVerdict(cache_.use(verdict.number));
  }
  sendNumbers();
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
  return std::any_of(releasing_.begin() + static_cast<std::ptrdiff_t>(next_), releasing_.end(),
                     [&](const Verdict& verdict) { return verdict.name == name; });
}

}  // namespace tsring
