#include "engine/timeline.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/json.h"

namespace tsring {
namespace {

// Events are written this often, or when there are so many.
constexpr std::chrono::milliseconds kWriteEvery{500};
constexpr size_t kWriteAt = 4096;

constexpr const char* kLaneNames[] = {"", "calls that block", "data thread", "data under way"};
constexpr uint32_t kLanes = 4;  // of a track; the first is empty
// Numbers of a track's overlapping events; what is above tells of the track.
constexpr uint64_t kIdsOfATrack = uint64_t{1} << 40;

void appendMicros(std::string& out, std::chrono::nanoseconds time) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3f", static_cast<double>(time.count()) / 1000.0);
  out.append(text);
}

}  // namespace

uint32_t Timeline::addTrack(std::string name) {
  MutexLock lock(mutex_);
  tracks_.push_back(std::move(name));
  return static_cast<uint32_t>(tracks_.size() - 1);
}

Status Timeline::start(const std::string& file, std::function<std::chrono::nanoseconds()> clockOffset) {
  MutexLock starting(starting_);
  if (on()) return Status(StatusCode::kInvalidArgument, "startTimeline: it is on already; stop it first");
  file_ = UniqueFd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file_) return statusFromErrno(StatusCode::kInvalidArgument, "timeline: " + file + " cannot be written", errno);
  clockOffset_ = std::move(clockOffset);
  write(head());
  {
    MutexLock lock(mutex_);
    stopping_ = false;
    events_.clear();
    told_ = 0;
  }
  thread_ = std::thread([this] { run(); });
  on_.store(true);
  return Status::okay();
}

void Timeline::stop() {
  MutexLock starting(starting_);
  if (!on_.exchange(false)) return;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notifyAll();
  }
  thread_.join();
  // A last event without a comma behind it: then the file is JSON.
  std::string end = R"({"name":"process_sort_index","ph":"M","pid":)" + std::to_string(rank_);
  write(end.append(R"(,"args":{"sort_index":)").append(std::to_string(rank_)).append("}}\n]\n"));
  file_.reset();
}

void Timeline::add(Event event) {
  MutexLock lock(mutex_);
  events_.push_back(std::move(event));
  if (events_.size() == kWriteAt) changed_.notifyAll();
}

void Timeline::run() {
  for (bool last = false; !last;) {
    std::vector<Event> events;
    std::string text;
    {
      MutexLock lock(mutex_);
      changed_.waitUntil(mutex_, Deadline::in(kWriteEvery),
                         [this]() REQUIRES(mutex_) { return stopping_ || events_.size() >= kWriteAt; });
      events.swap(events_);
      for (; told_ < tracks_.size(); ++told_) text += headOf(static_cast<uint32_t>(told_), tracks_[told_]);
      last = stopping_;
    }
    const auto offset = clockOffset_();
    for (const Event& event : events) format(event, offset, text);
    write(text);
  }
}

std::string Timeline::head() const {
  const std::string rank = std::to_string(rank_);
  std::string text = "[\n";
  text.append(R"({"name":"process_name","ph":"M","pid":)").append(rank).append(R"(,"args":{"name":)");
  appendJson(text, "rank " + rank + " on " + hostname_);
  return text.append("}},\n");
}

std::string Timeline::headOf(uint32_t track, const std::string& name) const {
  std::string text;
  for (const Lane lane : {Lane::kCalls, Lane::kData, Lane::kBeside}) {
    const auto number = static_cast<uint32_t>(lane);
    text.append(R"({"name":"thread_name","ph":"M","pid":)").append(std::to_string(rank_)).append(R"(,"tid":)");
    text.append(std::to_string(track * kLanes + number)).append(R"(,"args":{"name":)");
    appendJson(text, name.empty() ? kLaneNames[number] : name + ": " + kLaneNames[number]);
    text.append("}},\n");
  }
  return text;
}

// What belongs to a thread is one complete event; what overlaps is a begin and an end with a number in common.
void Timeline::format(const Event& event, std::chrono::nanoseconds offset, std::string& out) const {
  const auto open = [&](const char* kind, Clock::time_point at) {
    out.append(R"({"name":)");
    appendJson(out, event.id == 0 && !event.tensor.empty() ? std::string_view(event.tensor) : event.name);
    out.append(R"(,"cat":"tsring","ph":")").append(kind).append(R"(","pid":)").append(std::to_string(rank_));
    out.append(R"(,"tid":)")
        .append(std::to_string(event.track * kLanes + static_cast<uint32_t>(event.lane)))
        .append(R"(,"ts":)");
    appendMicros(out, at.time_since_epoch() + offset);
  };
  const auto args = [&] {
    if (event.tensor.empty()) return;
    out.append(R"(,"args":{"tensor":)");
    appendJson(out, event.tensor);
    out.append(R"(,"bytes":)").append(std::to_string(event.bytes));
    if (!event.algorithm.empty()) appendJson(out.append(R"(,"algorithm":)"), event.algorithm);
    out.append("}");
  };
  if (event.id == 0) {
    open("X", event.begin);
    appendMicros(out.append(R"(,"dur":)"), event.end - event.begin);
    args();
    out.append("},\n");
    return;
  }
  const std::string id = R"(,"id":)" + std::to_string(event.track * kIdsOfATrack + event.id);
  open("b", event.begin);
  out.append(id);
  args();
  out.append("},\n");
  open("e", event.end);
  out.append(id).append("},\n");
}

// A file that cannot be written to the end is no reason to stop a job.
void Timeline::write(const std::string& text) {
  for (size_t written = 0; written < text.size();) {
    const ssize_t count = ::write(file_.get(), text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    written += static_cast<size_t>(count);
  }
}

}  // namespace tsring
