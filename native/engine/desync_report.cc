#include "engine/desync_report.h"

#include <algorithm>

namespace tsring {

bool DesyncReport::complete() const {
  return std::ranges::all_of(answers_, [](const auto& answer) { return answer.has_value(); });
}

Status DesyncReport::finish(const std::vector<std::string>& names) const {
  std::vector<std::pair<std::string, std::string>> groups;  // what, and who
  for (size_t rank = 0; rank < answers_.size(); ++rank) {
    const std::string what = answers_[rank].value_or("does not answer");
    const auto known = std::ranges::find(groups, what, &std::pair<std::string, std::string>::first);
    if (known == groups.end()) {
      groups.emplace_back(what, names[rank]);
    } else {
      known->second.append(", ").append(names[rank]);
    }
  }
  std::string text;
  for (const auto& [what, who] : groups) text.append("; ").append(who).append(": ").append(what);
  return reason_.withSuffix(text);
}

}  // namespace tsring
