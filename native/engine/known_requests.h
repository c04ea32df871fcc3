#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "engine/negotiator.h"
#include "engine/request.h"

namespace tsring {

/// What this rank may ask rank 0 for by a number, as far as it has heard: the other end of ResponseCache. Pure
/// thinking; used by the control thread of all ranks but 0.
class KnownRequests {
 public:
  /// By what to ask for `request`; 0 where it must be sent in full.
  uint32_t numberOf(const Request& request) const;
  /// Takes note of what was asked for, by that number or in full.
  void asked(Request request);

  /// Takes note of a verdict that came in full, and of what rank 0 keeps and forgets with it. What was asked for by a
  /// number that is forgotten now has crossed that on its way, and must be asked for again in full: it is returned.
  std::optional<Request> heard(const Verdict& verdict);

  /// The verdict that `number` stands for; nothing where there is none, which rank 0 would not say.
  std::optional<Verdict> heard(uint32_t number);

  size_t size() const { return byNumber_.size(); }

 private:
  struct Known {
    Request request;
    Verdict verdict;
  };
  struct Asked {
    Request request;
    uint32_t number;
  };
  std::unordered_map<uint32_t, Known> byNumber_;
  std::unordered_map<std::string, uint32_t> byName_;
  std::unordered_map<std::string, Asked> asked_;  // and not heard of yet
};

}  // namespace tsring
