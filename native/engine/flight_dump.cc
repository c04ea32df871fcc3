#include "engine/flight_dump.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/json.h"
#include "base/unique_fd.h"

namespace tsring {
namespace {

class Writer {
 public:
  Writer& key(std::string_view name) {
    if (!text_.empty() && text_.back() != '{' && text_.back() != '[') text_.push_back(',');
    appendJson(text_, name);
    text_.push_back(':');
    return *this;
  }
  Writer& string(std::string_view value) { return appendJson(text_, value), *this; }
  Writer& number(int64_t value) { return text_.append(std::to_string(value)), *this; }
  Writer& raw(std::string_view text) { return text_.append(text), *this; }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void writeTime(Writer& out, std::string_view key, Clock::time_point at, std::chrono::nanoseconds offset) {
  if (at == Clock::time_point()) return;
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch() + offset);
  out.key(key).number(micros.count());
}

void writeRecord(Writer& out, const FlightRecord& record, std::chrono::nanoseconds offset) {
  out.raw("{").key("sequence").number(static_cast<int64_t>(record.sequence));
  out.key("agreed").number(static_cast<int64_t>(record.agreed));
  out.key("name").string(record.name()).key("kind").string(operationName(record.kind));
  out.key("dtype").string(dtypeName(record.dtype));
  if (record.kind == OperationKind::kAllreduce) out.key("op").string(reduceOpName(record.op));
  if (record.kind == OperationKind::kBroadcast) out.key("rootRank").number(record.rootRank);
  out.key("tensors").number(record.tensors).key("shape").raw("[");
  for (size_t i = 0; i < std::min<size_t>(record.dimensions, FlightRecord::kDimensions); ++i) {
    out.raw(i ? "," : "").number(record.extents[i]);
  }
  char hash[20];
  std::snprintf(hash, sizeof(hash), "%016llx", static_cast<unsigned long long>(record.shapesHash));
  out.raw("]").key("shapesHash").string(hash).key("bytes").number(static_cast<int64_t>(record.bytes));
  out.key("state").string(flightStateName(record.state));
  if (record.code != StatusCode::kOk) out.key("code").string(codeName(record.code));
  out.key("way").string(record.direct ? "direct" : "coordinated").key("algorithm").string(record.algorithm);
  writeTime(out, "submittedUs", record.submittedAt, offset);
  writeTime(out, "agreedUs", record.agreedAt, offset);
  writeTime(out, "startedUs", record.startedAt, offset);
  writeTime(out, "endedUs", record.endedAt, offset);
  out.raw("}");
}

/// `.set-0-2`; of large sets the beginning, and a hash of all.
std::string setOf(const FlightOwner& owner) {
  constexpr size_t kMostListed = 8;
  if (!owner.isSet) return "";
  std::string text = ".set";
  uint64_t hash = 0xcbf29ce484222325U;
  for (size_t i = 0; i < owner.ranks.size(); ++i) {
    hash = (hash ^ static_cast<uint64_t>(owner.ranks[i])) * 0x100000001b3U;
    if (i < kMostListed) text.append("-").append(std::to_string(owner.ranks[i]));
  }
  return owner.ranks.size() > kMostListed ? text.append("-").append(std::to_string(hash)) : text;
}

}  // namespace

std::string flightJson(const FlightOwner& owner, std::string_view reason, const std::vector<FlightRecord>& records,
                       std::chrono::nanoseconds clockOffset) {
  Writer out;
  out.raw("{").key("version").number(1).key("rank").number(owner.rank).key("ranks").raw("[");
  for (size_t i = 0; i < owner.ranks.size(); ++i) out.raw(i ? "," : "").number(owner.ranks[i]);
  out.raw("]");
  out.key("generation").number(owner.generation).key("jobId").string(owner.jobId);
  out.key("hostname").string(owner.hostname).key("reason").string(reason);
  writeTime(out, "writtenUs", Clock::now(), clockOffset);
  out.key("operations").raw("[");
  bool first = true;
  for (const FlightRecord& record : records) {
    out.raw(first ? "\n" : ",\n");
    writeRecord(out, record, clockOffset);
    first = false;
  }
  return out.raw("\n]}\n").take();
}

Result<std::string> writeFlightDump(const std::string& folder, const FlightOwner& owner, const std::string& text) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  const std::string ring = owner.generation == 0 ? "" : std::string(".").append(std::to_string(owner.generation));
  const std::string file = folder + "/flight-" + std::to_string(owner.rank) + ring + setOf(owner) + ".json";
  const std::string unfinished = file + ".part";
  const UniqueFd fd(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return statusFromErrno(StatusCode::kInternal, unfinished + " cannot be written", errno);
  for (size_t written = 0; written < text.size();) {
    const ssize_t count = ::write(fd.get(), text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return statusFromErrno(StatusCode::kInternal, unfinished + " cannot be written", errno);
    written += static_cast<size_t>(count);
  }
  if (::rename(unfinished.c_str(), file.c_str()) != 0) {
    return statusFromErrno(StatusCode::kInternal, file + " cannot be written", errno);
  }
  return file;
}

}  // namespace tsring
