#include "base/log.h"

#include <unistd.h>

#include <string>

namespace tsring {

void Log::write(LogLevel level, std::string_view text) const {
  if (level > level_) return;
  static constexpr std::string_view kNames[] = {"error", "warn", "info", "debug"};
  std::string line = "tsring[rank " + std::to_string(rank_) + "] ";
  line.append(kNames[static_cast<int>(level)]).append(": ").append(text).append("\n");
  // One write a line, so that lines of several threads do not mix. Nothing can be done if standard error is gone.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace tsring
