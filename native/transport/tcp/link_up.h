#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/status.h"
#include "transport/handshake.h"
#include "transport/tcp/socket.h"

namespace tsring {

/// A peer to link up with. `name` is for messages: "rank 2 (host-b)".
struct Peer {
  std::string host;
  uint16_t port = 0;
  std::string name;
};

/// A rank's sockets, by the peer's rank; empty where there is none.
struct Links {
  std::vector<Socket> control;            // between rank 0 and every other
  std::vector<std::vector<Socket>> data;  // between every two ranks
  std::vector<Socket> agreement;          // between every two ranks, where it was asked for
};

/// What there is between every two ranks; the same on all.
struct LinkCounts {
  size_t data = 1;
  size_t agreement = 0;  // or 1
};

/// Links one rank up with all others: it calls the lower ranks and is called by the higher ones, each connection proved
/// by handshake. Whatever else knocks at the listener meanwhile is turned away. Blocks; the listener is closed when it
/// returns. Fails with kConnect, kHandshake or kTimeout; the message names the peer and its address, or the ranks that
/// never called.
Result<Links> linkUp(Listener listener, const JobCredentials& job, uint32_t rank, uint32_t generation,
                     const std::vector<Peer>& peers, Deadline deadline, LinkCounts counts = {});

}  // namespace tsring
