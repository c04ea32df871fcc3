#include "engine/known_requests.h"

#include <utility>

namespace tsring {

uint32_t KnownRequests::numberOf(const Request& request) const {
  const auto known = byName_.find(request.header.name);
  if (known == byName_.end()) return 0;
  return asksForTheSame(byNumber_.at(known->second).request, request) ? known->second : 0;
}

void KnownRequests::asked(Request request) {
  if (!worthKnowing(request.header.kind)) return;
  const uint32_t number = numberOf(request);
  std::string name = request.header.name;
  asked_.insert_or_assign(std::move(name), Asked{std::move(request), number});
}

std::optional<Request> KnownRequests::heard(const Verdict& verdict) {
  const auto asked = asked_.extract(verdict.name);
  if (verdict.number != 0 && asked) {
    if (const auto before = byName_.find(verdict.name); before != byName_.end()) byNumber_.erase(before->second);
    byName_[verdict.name] = verdict.number;
    byNumber_.insert_or_assign(verdict.number, Known{std::move(asked.mapped().request), verdict});
  }
  const auto forgotten = byNumber_.extract(verdict.forgotten);
  if (!forgotten) return std::nullopt;
  const std::string& name = forgotten.mapped().verdict.name;
  byName_.erase(name);
  const auto crossed = asked_.find(name);
  if (crossed == asked_.end() || crossed->second.number != verdict.forgotten) return std::nullopt;
  crossed->second.number = 0;
  return crossed->second.request;
}

std::optional<Verdict> KnownRequests::heard(uint32_t number) {
  const auto known = byNumber_.find(number);
  if (known == byNumber_.end()) return std::nullopt;
  asked_.erase(known->second.verdict.name);
  return known->second.verdict;
}

}  // namespace tsring
