#pragma once

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

namespace tsring {

/// The ranks of a ring by the numbers that users know them by. A process set is a ring of its own: its ranks sit at
/// places 0 to size - 1, and keep the numbers that they have in the job. A value.
class Members {
 public:
  /// Of a whole job: place and number are the same.
  explicit Members(int size) : numbers_(static_cast<size_t>(size)) { std::iota(numbers_.begin(), numbers_.end(), 0); }
  explicit Members(std::vector<int> numbers) : numbers_(std::move(numbers)) {}

  int size() const { return static_cast<int>(numbers_.size()); }
  int numberOf(int place) const { return numbers_[static_cast<size_t>(place)]; }
  std::optional<int> placeOf(int number) const {
    const auto found = std::ranges::find(numbers_, number);
    if (found == numbers_.end()) return std::nullopt;
    return static_cast<int>(found - numbers_.begin());
  }
  /// For messages: "0, 2, 3".
  std::string list() const {
    std::string text;
    for (const int number : numbers_) text.append(text.empty() ? "" : ", ").append(std::to_string(number));
    return text;
  }

 private:
  std::vector<int> numbers_;
};

}  // namespace tsring
