#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <ostream>
#include <string>
#include <string_view>

#include "base/status.h"

namespace tsring {

// How a failed expectation prints them.
inline void PrintTo(StatusCode code, std::ostream* out) {
  *out << codeName(code);
}
inline void PrintTo(const Status& status, std::ostream* out) {
  *out << codeName(status.code()) << " \"" << status.message() << '"';
}

inline testing::AssertionResult isOk(const Status& status) {
  if (status.ok()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << testing::PrintToString(status);
}
template <typename T>
testing::AssertionResult isOk(const Result<T>& result) {
  return isOk(result.status());
}

/// Whether a status is a failure of one kind, whose message has all of `parts`.
inline testing::AssertionResult failsWith(StatusCode code, std::initializer_list<std::string_view> parts,
                                          const Status& status) {
  bool good = status.code() == code;
  for (const auto part : parts) good = good && status.message().find(part) != std::string_view::npos;
  if (good) return testing::AssertionSuccess();
  auto failure = testing::AssertionFailure() << testing::PrintToString(status) << ", wanted " << codeName(code);
  for (const auto part : parts) failure << " with \"" << part << '"';
  return failure;
}

}  // namespace tsring
