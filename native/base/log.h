#pragma once

#include <string_view>

namespace tsring {

enum class LogLevel : int { kError = 0, kWarn = 1, kInfo = 2, kDebug = 3 };

/// Writes whole lines to standard error, "tsring[rank 3] warn: ...". A value handed to whoever may have something to
/// say.
class Log {
 public:
  Log() = default;
  Log(int rank, LogLevel level) : rank_(rank), level_(level) {}

  void warn(std::string_view text) const { write(LogLevel::kWarn, text); }
  void info(std::string_view text) const { write(LogLevel::kInfo, text); }
  void debug(std::string_view text) const { write(LogLevel::kDebug, text); }
  bool debugs() const { return level_ >= LogLevel::kDebug; }

 private:
  void write(LogLevel level, std::string_view text) const;
  int rank_ = 0;
  LogLevel level_ = LogLevel::kWarn;
};

}  // namespace tsring
