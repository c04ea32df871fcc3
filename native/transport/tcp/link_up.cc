#include "transport/tcp/link_up.h"

#include <future>

#include "transport/tcp/acceptor.h"

namespace tsring {
namespace {

// A flood of strangers can push a rank out of the line before it was heard, so it calls again. A listener that hangs up
// on every proof means it.
constexpr int kCalls = 5;

Result<Socket> call(const Peer& peer, const JobCredentials& job, const LinkIdentity& identity, Deadline deadline) {
  const std::string where = peer.name + " at " + peer.host + ":" + std::to_string(peer.port) + ": ";
  Status refused;
  for (int i = 0; i < kCalls; ++i) {
    auto socket = Socket::connect(peer.host, peer.port, deadline);
    if (!socket.ok()) return socket.status().withPrefix(where);
    const Status introduced = introduce(socket.value(), job, identity, deadline);
    if (introduced.ok()) return socket;
    // A connection that ends while introducing itself never was a link of this ring.
    const bool hungUp = introduced.code() == StatusCode::kPeerLost;
    refused = Status(hungUp ? StatusCode::kHandshake : introduced.code(), where + std::string(introduced.message()));
    if (refused.code() != StatusCode::kHandshake) break;
  }
  return refused;
}

Status callLowerRanks(Links& links, const JobCredentials& job, uint32_t rank, uint32_t generation,
                      const std::vector<Peer>& peers, Deadline deadline, LinkCounts counts) {
  const auto link = [&](uint32_t peer, LinkPurpose purpose, Socket& into) {
    auto socket = call(peers[peer], job, {purpose, rank, generation}, deadline);
    if (!socket.ok()) return socket.status();
    into = std::move(socket).value();
    return Status::okay();
  };
  for (uint32_t peer = 0; peer < rank; ++peer) {
    for (Socket& socket : links.data[peer]) {
      if (Status s = link(peer, LinkPurpose::kData, socket); !s.ok()) return s;
    }
    if (counts.agreement > 0) {
      if (Status s = link(peer, LinkPurpose::kAgreement, links.agreement[peer]); !s.ok()) return s;
    }
    if (peer > 0) continue;
    if (Status s = link(peer, LinkPurpose::kControl, links.control[peer]); !s.ok()) return s;
  }
  return Status::okay();
}

}  // namespace

// Calling and being called go on side by side. Calls point only downward, so no two ranks wait for each other.
Result<Links> linkUp(Listener listener, const JobCredentials& job, uint32_t rank, uint32_t generation,
                     const std::vector<Peer>& peers, Deadline deadline, LinkCounts counts) {
  Acceptor acceptor(std::move(listener), job, rank, generation, peers.size(), counts);
  auto accepting = std::async(std::launch::async, [&] { return acceptor.run(peers, deadline); });
  Links called;
  called.control.resize(peers.size());
  called.data.resize(peers.size());
  for (auto& sockets : called.data) sockets.resize(counts.data);
  called.agreement.resize(peers.size());
  const Status calling = callLowerRanks(called, job, rank, generation, peers, deadline, counts);
  if (!calling.ok()) acceptor.stop();
  const Status accepted = accepting.get();
  if (!calling.ok()) return calling;
  if (!accepted.ok()) return accepted;

  Links links = acceptor.take();
  for (uint32_t peer = 0; peer < rank; ++peer) {
    links.data[peer] = std::move(called.data[peer]);
    links.agreement[peer] = std::move(called.agreement[peer]);
  }
  if (rank > 0) links.control[0] = std::move(called.control[0]);
  return links;
}

}  // namespace tsring
