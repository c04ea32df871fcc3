#include "transport/tcp/striped_mesh.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace tsring {
namespace {

// A peer is ahead of us by no more frames than its sockets hold: a number beyond that is none.
constexpr uint32_t kMostAhead = 1 << 20;

/// Whether the system has room for a good part of what it would ever hold for the socket (or an error to tell).
bool hasRoom(const Socket& socket) {
  pollfd entry{socket.fd(), POLLOUT, 0};
  return ::poll(&entry, 1, 0) > 0;
}

}  // namespace

StripedMesh::StripedMesh(int rank, std::vector<std::vector<Socket>> links, std::vector<std::string> names)
    : rank_(rank), links_(links.size()), names_(std::move(names)) {
  for (size_t peer = 0; peer < links.size(); ++peer) {
    for (Socket& socket : links[peer]) {
      if (!socket) continue;
      socket.suitThisHost();
      links_[peer].lanes.emplace_back().socket = std::move(socket);
    }
    links_[peer].used = links_[peer].lanes.size();
  }
}

void StripedMesh::use(size_t sockets) {
  for (Link& link : links_) link.used = std::clamp(sockets, std::min<size_t>(1, link.lanes.size()), link.lanes.size());
}

Result<size_t> StripedMesh::trySend(int peer, std::span<const std::byte> bytes) {
  auto sent = send(links_[static_cast<size_t>(peer)], bytes);
  return sent.ok() ? std::move(sent) : sent.status().withPrefix(names_[static_cast<size_t>(peer)] + ": ");
}

Result<size_t> StripedMesh::tryReceive(int peer, std::span<std::byte> bytes) {
  auto got = receive(links_[static_cast<size_t>(peer)], bytes);
  return got.ok() ? std::move(got) : got.status().withPrefix(names_[static_cast<size_t>(peer)] + ": ");
}

Result<size_t> StripedMesh::send(Link& link, std::span<const std::byte> bytes) {
  Outgoing& out = link.out;
  size_t total = 0;
  while (total < bytes.size()) {
    if (!out.lane && !beginFrame(link, bytes.size() - total)) break;
    Socket& socket = out.lane->socket;
    if (out.headerLeft > 0) {
      const auto sent = socket.trySend(std::span(out.header).last(out.headerLeft), Follows::kMore);
      if (!sent.ok()) return sent;
      out.headerLeft -= sent.value();
      if (out.headerLeft > 0) break;
    }
    const auto sent = socket.trySend(bytes.subspan(total, std::min(bytes.size() - total, out.payloadLeft)));
    if (!sent.ok()) return sent;
    total += sent.value();
    out.payloadLeft -= sent.value();
    if (out.payloadLeft > 0) break;
    out.lane = nullptr;
  }
  return total;
}

/// False where no socket has room.
bool StripedMesh::beginFrame(Link& link, size_t bytes) {
  Outgoing& out = link.out;
  for (size_t i = 1; i <= link.used; ++i) {
    const size_t index = (out.last + i) % link.used;
    if (!hasRoom(link.lanes[index].socket)) continue;
    out.last = index;
    out.lane = &link.lanes[index];
    out.payloadLeft = std::min(bytes, kMostPayload);
    ByteWriter header;
    header.put(out.next++).put(static_cast<uint32_t>(out.payloadLeft));
    std::ranges::copy(header.bytes(), out.header.begin());
    out.headerLeft = kHeaderBytes;
    return true;
  }
  return false;
}

Result<size_t> StripedMesh::receive(Link& link, std::span<std::byte> bytes) {
  Incoming& in = link.in;
  size_t total = 0;
  while (total < bytes.size()) {
    if (!in.lane) {
      if (Status s = findFrame(link); !s.ok()) return total > 0 ? Result<size_t>(total) : Result<size_t>(s);
    }
    if (!in.lane) break;
    const auto wanted = bytes.subspan(total, std::min(bytes.size() - total, in.payloadLeft));
    const auto got = in.lane->socket.tryReceive(wanted);
    if (!got.ok()) return got;
    total += got.value();
    in.payloadLeft -= got.value();
    if (in.payloadLeft > 0) {
      if (got.value() < wanted.size()) break;
      continue;
    }
    in.lane->headerGot = 0;
    in.lane = nullptr;
    ++in.next;
  }
  return total;
}

/// Looks for the next frame of the stream; where it has not come, `in.lane` stays null. A socket that has ended is no
/// reason to give up while others may still bring the frame: a peer that leaves closes all of them, and what it sent
/// comes before. The socket that had the last frame is looked at first: where the peer uses one, it is that.
Status StripedMesh::findFrame(Link& link) {
  bool mayCome = false;
  for (size_t i = 0; i < link.lanes.size(); ++i) {
    const size_t index = (link.in.last + i) % link.lanes.size();
    Lane& lane = link.lanes[index];
    if (!lane.holdsFrame() && !lane.ended) {
      if (Status s = readHeader(lane, link.in.next); !s.ok()) return s;
    }
    if (lane.holdsFrame() && lane.number == link.in.next) {
      link.in.lane = &lane;
      link.in.last = index;
      link.in.payloadLeft = lane.length;
      return Status::okay();
    }
    mayCome = mayCome || (!lane.holdsFrame() && !lane.ended);
  }
  return mayCome ? Status::okay() : Status(StatusCode::kPeerLost, "the connection was closed");
}

Status StripedMesh::readHeader(Lane& lane, uint32_t next) {
  const auto got = lane.socket.tryReceive(std::span(lane.header).subspan(lane.headerGot));
  if (!got.ok()) {
    lane.ended = lane.headerGot == 0 && lane.socket.ended();
    return lane.ended ? Status::okay() : got.status();
  }
  lane.headerGot += got.value();
  if (!lane.holdsFrame()) return Status::okay();
  ByteReader header(lane.header);
  lane.number = header.get<uint32_t>();
  lane.length = header.get<uint32_t>();
  if (lane.length > 0 && lane.length <= kMostPayload && lane.number - next < kMostAhead) return Status::okay();
  return Status(StatusCode::kCorrupt, "what it sent is no frame; do all ranks have the same `sockets`?");
}

Status StripedMesh::wait(std::span<const Interest> interests, Deadline deadline) {
  poll_.clear();
  bool inHand = false;
  for (const Interest& interest : interests) {
    const Link& link = links_[static_cast<size_t>(interest.peer)];
    for (const Lane& lane : link.lanes) {
      const bool used = &lane < link.lanes.data() + link.used;
      const bool sends = interest.send && (link.out.lane ? link.out.lane == &lane : used);
      // What is not due yet waits in its socket, and so does not count.
      const bool due = link.in.lane ? link.in.lane == &lane : !lane.holdsFrame() || lane.number == link.in.next;
      const bool receives = interest.receive && due && !lane.ended;
      inHand = inHand || (receives && (lane.socket.holdsBytes() || (!link.in.lane && lane.holdsFrame())));
      const auto events = static_cast<short>((sends ? POLLOUT : 0) | (receives ? POLLIN : 0));
      if (events) poll_.add(lane.socket, events);
    }
  }
  return poll_.wait(inHand, deadline);
}

}  // namespace tsring
