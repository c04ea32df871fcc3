#include "transport/tcp/frame_hub.h"

#include <poll.h>

#include <algorithm>
#include <cassert>

namespace tsring {
namespace {

constexpr size_t kReadBytes = 64 << 10;

}  // namespace

FrameHub::FrameHub(std::vector<Socket> links, uint32_t generation, Handlers handlers)
    : links_(links.size()), generation_(generation), handlers_(std::move(handlers)), arrived_(kReadBytes) {
  for (size_t peer = 0; peer < links.size(); ++peer) links_[peer].socket = std::move(links[peer]);
}

void FrameHub::send(int peer, uint8_t type, std::span<const std::byte> payload) {
  assert(payload.size() <= kMaxPayloadBytes);
  Link& link = links_[static_cast<size_t>(peer)];
  if (!link.socket) return;
  ByteWriter header;
  header.put(static_cast<uint32_t>(payload.size())).put(type).put(uint8_t{0}).put(uint16_t{0}).put(generation_);
  link.outgoing.insert(link.outgoing.end(), header.bytes().begin(), header.bytes().end());
  link.outgoing.insert(link.outgoing.end(), payload.begin(), payload.end());
  flush(peer);
}

void FrameHub::sendToAll(uint8_t type, std::span<const std::byte> payload) {
  for (size_t peer = 0; peer < links_.size(); ++peer) send(static_cast<int>(peer), type, payload);
}

void FrameHub::poll(Deadline deadline) {
  std::vector<pollfd> polled{{wakeUp_.fd(), POLLIN, 0}};
  std::vector<int> peers{-1};
  for (size_t peer = 0; peer < links_.size(); ++peer) {
    const Link& link = links_[peer];
    if (!link.socket) continue;
    const bool pending = link.sent < link.outgoing.size();
    polled.push_back({link.socket.fd(), static_cast<short>(POLLIN | (pending ? POLLOUT : 0)), 0});
    peers.push_back(static_cast<int>(peer));
  }
  if (::poll(polled.data(), polled.size(), deadline.pollTimeoutMs()) <= 0) return;
  if (polled[0].revents) wakeUp_.clear();
  for (size_t i = 1; i < polled.size(); ++i) {
    if (polled[i].revents & POLLOUT) flush(peers[i]);
    if (polled[i].revents & ~POLLOUT) receive(peers[i]);
  }
}

void FrameHub::finish(Deadline deadline) {
  finishing_ = true;
  for (size_t peer = 0; peer < links_.size(); ++peer) flush(static_cast<int>(peer));
  while (anyLinked() && !deadline.passed()) poll(deadline);
}

void FrameHub::flush(int peer) {
  Link& link = links_[static_cast<size_t>(peer)];
  while (link.socket && link.sent < link.outgoing.size()) {
    auto sent = link.socket.trySend(std::span(link.outgoing).subspan(link.sent));
    if (!sent.ok()) return;  // the reading side meets the same end, after what the peer sent before it went
    if (sent.value() == 0) return;
    link.sent += sent.value();
  }
  link.outgoing.clear();
  link.sent = 0;
  if (finishing_) link.socket.finishSending();
}

void FrameHub::receive(int peer) {
  Link& link = links_[static_cast<size_t>(peer)];
  while (link.socket) {
    auto got = link.socket.tryReceive(arrived_);
    if (!got.ok()) return lose(peer, got.status());
    if (got.value() == 0) return;
    link.incoming.insert(link.incoming.end(), arrived_.begin(),
                         arrived_.begin() + static_cast<std::ptrdiff_t>(got.value()));
    link.lastHeard = Clock::now();
    if (!handleFrames(peer)) return;
  }
}

// Handles the whole frames at the front of `incoming`. False when the link is gone.
bool FrameHub::handleFrames(int peer) {
  Link& link = links_[static_cast<size_t>(peer)];
  size_t at = 0;
  while (link.incoming.size() - at >= kHeaderBytes) {
    ByteReader header(std::span(link.incoming).subspan(at, kHeaderBytes));
    const auto length = header.get<uint32_t>();
    const auto type = header.get<uint8_t>();
    const bool zeros = header.get<uint8_t>() == 0 && header.get<uint16_t>() == 0;
    if (!zeros || header.get<uint32_t>() != generation_ || length > kMaxPayloadBytes) {
      lose(peer, Status(StatusCode::kPeerLost, "it sent a frame that is not of this ring"));
      return false;
    }
    if (link.incoming.size() - at - kHeaderBytes < length) break;
    handlers_.onFrame(peer, type, ByteReader(std::span(link.incoming).subspan(at + kHeaderBytes, length)));
    at += kHeaderBytes + length;
  }
  link.incoming.erase(link.incoming.begin(), link.incoming.begin() + static_cast<std::ptrdiff_t>(at));
  return static_cast<bool>(link.socket);
}

void FrameHub::lose(int peer, const Status& reason) {
  links_[static_cast<size_t>(peer)].socket.close();
  handlers_.onLost(peer, reason);
}

bool FrameHub::anyLinked() const {
  return std::ranges::any_of(links_, [](const Link& link) { return static_cast<bool>(link.socket); });
}

}  // namespace tsring
