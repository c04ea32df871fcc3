// A switch between network namespaces with a rate and a delay on every port, for kernels without the netem discipline.
//
//   delay-switch RATE_MBIT DELAY_US QUEUE_KB NAMESPACE...
//
// In each namespace it makes a TAP device "lab0"; the I-th one's host must have the MAC address 02:00:00:00:00:(I+1).
// A frame leaves when the sender's uplink and the receiver's downlink have had time to carry it, and arrives DELAY
// later, one way. Frames keep their segmentation offload (up to 64 KB each), so that one core carries several Gbit/s;
// the time on the wire counts the headers, preamble and gap of each 1500-byte frame that they stand for. What would
// wait for a downlink behind more than QUEUE_KB is dropped. Prints "ready"; ends when its standard input does.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Nanoseconds = std::chrono::nanoseconds;

constexpr size_t kMaxHosts = 8;
constexpr size_t kMaxFrameBytes = (64 << 10) + 128;
constexpr size_t kMaxFrames = 4096;  // held at once, over all ports; more are dropped
constexpr size_t kEthernetHeader = 14;
constexpr size_t kWireOverhead = 24;  // preamble, checksum and gap of a frame
// An uplink may be read so much before it is free: what waits in between is a real card's small ring.
constexpr Nanoseconds kReadAhead = std::chrono::microseconds(100);

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "delay-switch: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

/// What precedes each frame on a TAP device with offload: the kernel's virtio_net_hdr, whose header is not for C++.
struct OffloadHeader {
  uint8_t flags;
  uint8_t segmentation;  // 0: none
  uint16_t headerBytes;
  uint16_t segmentBytes;
  uint16_t checksumStart;
  uint16_t checksumOffset;
};
static_assert(sizeof(OffloadHeader) == 10);

struct Frame {
  size_t length = 0;
  std::array<char, kMaxFrameBytes> bytes;
};

/// Frames to use again: the last one given back first, as it is still in cache.
class FramePool {
 public:
  std::unique_ptr<Frame> take() {
    if (free_.empty()) {
      if (made_ == kMaxFrames) return nullptr;
      ++made_;
      return std::unique_ptr<Frame>(new Frame);  // not cleared: 64 KB each
    }
    auto frame = std::move(free_.back());
    free_.pop_back();
    return frame;
  }
  void giveBack(std::unique_ptr<Frame> frame) { free_.push_back(std::move(frame)); }

 private:
  std::vector<std::unique_ptr<Frame>> free_;
  size_t made_ = 0;
};

struct Arrival {
  Clock::time_point due;
  std::unique_ptr<Frame> frame;
};

/// One host's cable. `up` and `down` tell until when its two directions are taken.
struct Port {
  int tap = -1;
  Clock::time_point up{};
  Clock::time_point down{};
  std::deque<Arrival> arrivals;
};

class Switch {
 public:
  Switch(double rateMbit, double delayUs, double queueKb)
      : nsPerByte_(8000 / rateMbit),
        delay_(static_cast<int64_t>(delayUs * 1000)),
        queue_(static_cast<int64_t>(queueKb * 1024 * nsPerByte_)) {}

  void addPort(int tap) { ports_.emplace_back().tap = tap; }

  void run() {
    std::vector<pollfd> polled(ports_.size() + 1);
    for (;;) {
      const auto now = Clock::now();
      auto next = now + std::chrono::seconds(1);
      for (size_t i = 0; i < ports_.size(); ++i) {
        Port& port = ports_[i];
        deliver(port, now);
        if (!port.arrivals.empty()) next = std::min(next, port.arrivals.front().due);
        // A busy uplink is not read: its frames wait in the sender's own queue, as behind a real card.
        const bool busy = port.up > now + kReadAhead;
        if (busy) next = std::min(next, port.up - kReadAhead);
        polled[i] = {busy ? -1 : port.tap, POLLIN, 0};
      }
      polled.back() = {STDIN_FILENO, POLLIN, 0};
      const auto wait = std::max(Nanoseconds(0), Nanoseconds(next - Clock::now()));
      const timespec timeout{wait.count() / 1'000'000'000, wait.count() % 1'000'000'000};
      if (::ppoll(polled.data(), polled.size(), &timeout, nullptr) <= 0) continue;
      if (polled.back().revents) return;
      for (size_t i = 0; i < ports_.size(); ++i) {
        if (polled[i].revents) takeIn(i);
      }
    }
  }

 private:
  void deliver(Port& port, Clock::time_point now) {
    while (!port.arrivals.empty() && port.arrivals.front().due <= now) {
      auto& frame = port.arrivals.front().frame;
      // What the host does not take is lost, as on a card whose ring is full.
      [[maybe_unused]] const auto written = ::write(port.tap, frame->bytes.data(), frame->length);
      pool_.giveBack(std::move(frame));
      port.arrivals.pop_front();
    }
  }

  void takeIn(size_t from) {
    auto frame = pool_.take();
    char sink[1];
    const ssize_t got = frame ? ::read(ports_[from].tap, frame->bytes.data(), frame->bytes.size())
                              : ::read(ports_[from].tap, sink, sizeof sink);  // the rest of the frame is lost
    if (!frame) return;
    frame->length = static_cast<size_t>(std::max<ssize_t>(got, 0));
    if (frame->length < sizeof(OffloadHeader) + kEthernetHeader) return pool_.giveBack(std::move(frame));

    const Nanoseconds onWire = wireTime(*frame);
    Clock::time_point& up = ports_[from].up;
    up = std::max(up, Clock::now()) + onWire;
    const auto* address = reinterpret_cast<const uint8_t*>(frame->bytes.data() + sizeof(OffloadHeader));
    const size_t to = address[5] - size_t{1};
    if (address[0] == 2 && to < ports_.size()) return send(ports_[to], std::move(frame), up, onWire);
    for (size_t i = 0; i < ports_.size(); ++i) {
      if (i == from) continue;
      if (auto copy = pool_.take()) {
        copy->length = frame->length;
        std::memcpy(copy->bytes.data(), frame->bytes.data(), frame->length);
        send(ports_[i], std::move(copy), up, onWire);
      }
    }
    pool_.giveBack(std::move(frame));
  }

  void send(Port& port, std::unique_ptr<Frame> frame, Clock::time_point left, Nanoseconds onWire) {
    if (port.down - left > queue_) return pool_.giveBack(std::move(frame));
    port.down = std::max(port.down + onWire, left);
    port.arrivals.push_back({port.down + delay_, std::move(frame)});
  }

  Nanoseconds wireTime(const Frame& frame) const {
    OffloadHeader header;
    std::memcpy(&header, frame.bytes.data(), sizeof header);
    const size_t bytes = frame.length - sizeof header;
    size_t segments = 1;
    if (header.segmentation != 0 && header.segmentBytes > 0 && bytes > header.headerBytes)
      segments = (bytes - header.headerBytes + header.segmentBytes - 1) / header.segmentBytes;
    const size_t onWire = bytes + (segments - 1) * header.headerBytes + segments * kWireOverhead;
    return Nanoseconds(static_cast<int64_t>(static_cast<double>(onWire) * nsPerByte_));
  }

  const double nsPerByte_;
  const Nanoseconds delay_;
  const Nanoseconds queue_;
  std::deque<Port> ports_;
  FramePool pool_;
};

int openTap(const std::string& name) {
  const std::string path = "/var/run/netns/" + name;
  const int space = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (space < 0 || ::setns(space, CLONE_NEWNET) != 0) fail(path);
  ::close(space);
  const int tap = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  std::strcpy(request.ifr_name, "lab0");
  if (tap < 0 || ::ioctl(tap, TUNSETIFF, &request) != 0) fail("/dev/net/tun");
  if (::ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) != 0) fail("offload");
  return tap;
}

}  // namespace

int main(int argc, char** argv) {
  const size_t hosts = argc > 4 ? static_cast<size_t>(argc - 4) : 0;
  const double rateMbit = hosts ? std::atof(argv[1]) : 0;
  if (hosts == 0 || hosts > kMaxHosts || !(rateMbit > 0)) {
    std::fprintf(stderr, "usage: delay-switch RATE_MBIT DELAY_US QUEUE_KB NAMESPACE...   (at most %zu)\n", kMaxHosts);
    return 2;
  }
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  ::setpriority(PRIO_PROCESS, 0, -15);  // it stands for hardware: the hosts' own load must not slow it
  const int home = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  Switch ports(rateMbit, std::atof(argv[2]), std::atof(argv[3]));
  for (int i = 4; i < argc; ++i) ports.addPort(openTap(argv[i]));
  if (home < 0 || ::setns(home, CLONE_NEWNET) != 0) fail("the way back");
  std::puts("ready");
  std::fflush(stdout);
  ports.run();
}
