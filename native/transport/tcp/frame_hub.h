#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/deadline.h"
#include "base/status.h"
#include "transport/tcp/socket.h"

namespace tsring {

/// The control links of one rank: whole frames to and from peers. Used by the control thread alone, but for wake().
///
/// A frame is a header of 12 bytes (payload length u32, type u8, three zero bytes, generation u32; little-endian) and
/// its payload.
class FrameHub {
 public:
  static constexpr size_t kHeaderBytes = 12;
  static constexpr size_t kMaxPayloadBytes = 16 << 20;

  struct Handlers {
    std::function<void(int peer, uint8_t type, ByteReader payload)> onFrame;
    /// The link is gone, for a reason; called once a peer.
    std::function<void(int peer, const Status& reason)> onLost;
  };

  /// `links` by rank, empty where there is none.
  FrameHub(std::vector<Socket> links, uint32_t generation, Handlers handlers);

  bool linked(int peer) const { return static_cast<bool>(links_[static_cast<size_t>(peer)].socket); }
  size_t size() const { return links_.size(); }

  /// Puts a frame on its way; what does not go at once goes while poll() runs. Nothing happens when the link is gone.
  void send(int peer, uint8_t type, std::span<const std::byte> payload);
  void sendToAll(uint8_t type, std::span<const std::byte> payload);

  /// Waits for frames, ends of links, wake() or the deadline, whichever is first, and handles all that is there.
  void poll(Deadline deadline);

  /// Ends a poll(), the present or the next one. Any thread.
  void wake() { wakeUp_.signal(); }
  /// A byte written here is a wake(): for signal handlers.
  int wakeFd() const { return wakeUp_.signalFd(); }

  /// When the last bytes came from a peer.
  Clock::time_point lastHeard(int peer) const { return links_[static_cast<size_t>(peer)].lastHeard; }

  /// Sends what is left and the end of each stream, then reads until all peers have done the same, or the deadline.
  void finish(Deadline deadline);

 private:
  struct Link {
    Socket socket;
    Bytes outgoing;
    size_t sent = 0;
    Bytes incoming;
    Clock::time_point lastHeard = Clock::now();
  };

  void flush(int peer);
  void receive(int peer);
  bool handleFrames(int peer);
  void lose(int peer, const Status& reason);
  bool anyLinked() const;

  std::vector<Link> links_;
  const uint32_t generation_;
  Handlers handlers_;
  Bytes arrived_;  // what one read brought
  bool finishing_ = false;
  WakeUp wakeUp_;
};

}  // namespace tsring
