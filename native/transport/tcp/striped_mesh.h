#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "transport/mesh.h"
#include "transport/tcp/patient_poll.h"
#include "transport/tcp/socket.h"

namespace tsring {

/// Data links over TCP, several sockets a peer: for networks on which one connection does not get what the link could
/// carry. A stream is cut into frames; each goes, whole, over a socket that has room for it at the time, so that a
/// socket that was slowed down by a loss does not hold up the others. The receiver reads frames in the order of their
/// numbers and leaves the others with the system: nothing is copied for it. It reads from all sockets at any time, so
/// how many of them a sender uses is the sender's own affair.
///
/// A frame is a header of 8 bytes (number u32, which counts the stream's frames from 0 and wraps around; payload length
/// u32; little-endian) and its payload of 1 to 131072 bytes.
class StripedMesh final : public Mesh {
 public:
  /// `links` by rank, equally many sockets at both ends of a link, in any order; none at `rank`. `names` by rank, for
  /// messages.
  StripedMesh(int rank, std::vector<std::vector<Socket>> links, std::vector<std::string> names);

  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(links_.size()); }
  /// What was not sent of `bytes` is to be offered again, as it is.
  Result<size_t> trySend(int peer, std::span<const std::byte> bytes) override;
  /// Fails with kCorrupt too, where what comes is no frame that belongs there.
  Result<size_t> tryReceive(int peer, std::span<std::byte> bytes) override;
  Status wait(std::span<const Interest> interests, Deadline deadline) override;
  void interrupt() override { poll_.interrupt(); }

  /// From the next frame on, frames go over that many of a link's sockets: at least one, at most all, as at the start.
  /// The data thread.
  void use(size_t sockets);

 private:
  static constexpr size_t kHeaderBytes = 8;
  static constexpr size_t kMostPayload = 128 << 10;
  using Header = std::array<std::byte, kHeaderBytes>;

  /// One of the connections to a peer, as the receiver sees it.
  struct Lane {
    Socket socket;
    Header header{};
    size_t headerGot = 0;  // all of it: the frame's payload comes next
    uint32_t number = 0;   // of that frame
    uint32_t length = 0;
    bool ended = false;  // between two frames
    bool holdsFrame() const { return headerGot == kHeaderBytes; }
  };
  struct Outgoing {
    Lane* lane = nullptr;  // of the frame that is under way
    Header header{};
    size_t headerLeft = 0;
    size_t payloadLeft = 0;
    uint32_t next = 0;  // number of the next frame
    size_t last = 0;    // index of the lane that had the last one
  };
  struct Incoming {
    Lane* lane = nullptr;  // of the frame that is under way
    size_t payloadLeft = 0;
    uint32_t next = 0;
    size_t last = 0;  // index of the lane that had the last one
  };
  struct Link {
    std::vector<Lane> lanes;
    size_t used = 0;  // of the lanes, the first ones: what we send goes over these
    Outgoing out;
    Incoming in;
  };

  Result<size_t> send(Link& link, std::span<const std::byte> bytes);
  bool beginFrame(Link& link, size_t bytes);
  Result<size_t> receive(Link& link, std::span<std::byte> bytes);
  Status findFrame(Link& link);
  Status readHeader(Lane& lane, uint32_t next);

  const int rank_;
  std::vector<Link> links_;
  const std::vector<std::string> names_;
  PatientPoll poll_;
};

}  // namespace tsring
