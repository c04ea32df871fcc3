#include "transport/tcp/tcp_mesh.h"

namespace tsring {

TcpMesh::TcpMesh(int rank, std::vector<Socket> links, std::vector<std::string> names)
    : rank_(rank), links_(std::move(links)), names_(std::move(names)) {
  for (Socket& link : links_) {
    if (link) link.suitThisHost();
  }
}

Result<size_t> TcpMesh::trySend(int peer, std::span<const std::byte> bytes) {
  auto sent = links_[static_cast<size_t>(peer)].trySend(bytes);
  return sent.ok() ? std::move(sent) : sent.status().withPrefix(names_[static_cast<size_t>(peer)] + ": ");
}

Result<size_t> TcpMesh::tryReceive(int peer, std::span<std::byte> bytes) {
  auto got = links_[static_cast<size_t>(peer)].tryReceive(bytes);
  return got.ok() ? std::move(got) : got.status().withPrefix(names_[static_cast<size_t>(peer)] + ": ");
}

Status TcpMesh::wait(std::span<const Interest> interests, Deadline deadline) {
  poll_.clear();
  bool inHand = false;
  for (const Interest& interest : interests) {
    const auto events = static_cast<short>((interest.send ? POLLOUT : 0) | (interest.receive ? POLLIN : 0));
    const Socket& link = links_[static_cast<size_t>(interest.peer)];
    inHand = inHand || (interest.receive && link.holdsBytes());
    if (events) poll_.add(link, events);
  }
  return poll_.wait(inHand, deadline);
}

}  // namespace tsring
