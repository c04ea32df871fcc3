#include "transport/tcp/message_gate.h"

#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <tuple>

namespace tsring {
namespace {

constexpr size_t kHeaderBytes = 24;
constexpr size_t kReadBytes = 64 << 10;
// What one rank sends to all others together, at most, beside the headers.
constexpr size_t kTravelBytes = 16 << 10;
// Notices of a rank that only sends must be taken in now and then.
constexpr uint64_t kTakeInEvery = 16;
// Looks before the thread sleeps, each of which lets others have the core.
constexpr int kLooks = 50;

struct Header {
  bool offers;
  size_t payloadBytes;
  uint64_t begun;
  uint64_t fingerprint;
};

/// The header that `bytes` begin with, at least kHeaderBytes of them; nothing where it is none.
std::optional<Header> parse(std::span<const std::byte> bytes) {
  ByteReader in(bytes.first(kHeaderBytes));
  const auto kind = in.get<uint8_t>();
  const bool zeros = in.get<uint8_t>() == 0 && in.get<uint16_t>() == 0;
  const Header header{kind == 1, in.get<uint32_t>(), in.get<uint64_t>(), in.get<uint64_t>()};
  if (kind > 1 || !zeros || header.payloadBytes > kTravelBytes) return std::nullopt;
  return header;
}

}  // namespace

MessageGate::MessageGate(size_t rank, std::vector<Socket> links, std::vector<std::string> names,
                         std::chrono::milliseconds timeout)
    : rank_(rank), links_(links.size()), names_(std::move(names)), timeout_(timeout), arrived_(kReadBytes) {
  for (size_t peer = 0; peer < links.size(); ++peer) {
    links_[peer].socket = std::move(links[peer]);
    if (links_[peer].socket) links_[peer].socket.suitThisHost();
  }
}

size_t MessageGate::payloadBytes() const {
  return kTravelBytes / (links_.size() - 1);
}

Result<bool> MessageGate::tryPass(const Offer& own) {
  if (std::exchange(passed_, false)) {
    for (Link& link : links_) dropFirst(link);
  }
  if (over_ || declined_ || underWay_.load() != 0) return false;
  own_.assign(own.payload.begin(), own.payload.end());
  ownFingerprint_ = own.fingerprint;
  announce(true);
  auto passed = await();
  passed_ = passed.ok() && passed.value();
  declined_ = !passed_;
  return passed;
}

Offer MessageGate::offerOf(size_t rank) const {
  if (rank == rank_) return {ownFingerprint_, own_};
  // All offers were the same, or we had not passed.
  const std::span<const std::byte> message(links_[rank].incoming);
  return {ownFingerprint_, message.subspan(kHeaderBytes, parse(message)->payloadBytes)};
}

void MessageGate::busy() {
  underWay_.fetch_add(1);
  ++begun_;
  passed_ = declined_ = false;
  if (over_) return;
  announce(false);
  if (std::ranges::any_of(links_, [](const Link& link) { return link.sent < link.outgoing.size(); })) return giveUp();
  if (begun_ % kTakeInEvery != 0) return;
  for (Link& link : links_) {
    if (link.socket) std::ignore = takeIn(link);  // tryPass meets the same end
  }
}

void MessageGate::leave() {
  for (Link& link : links_) link.socket.finishSending();
}

void MessageGate::interrupt() {
  interrupted_.store(true);
  wakeUp_.signal();
}

void MessageGate::announce(bool offers) {
  const std::span<const std::byte> payload = offers ? std::span<const std::byte>(own_) : std::span<const std::byte>();
  ByteWriter header;
  header.put(uint8_t{offers})
      .put(uint8_t{0})
      .put(uint16_t{0})
      .put(static_cast<uint32_t>(payload.size()))
      .put(begun_)
      .put(offers ? ownFingerprint_ : 0);
  for (Link& link : links_) {
    if (!link.socket) continue;
    link.outgoing.insert(link.outgoing.end(), header.bytes().begin(), header.bytes().end());
    link.outgoing.insert(link.outgoing.end(), payload.begin(), payload.end());
    std::ignore = send(link);  // whoever waits for this link meets the same end
  }
}

// What is not sent goes nowhere. Whatever it says, nobody passes with it: an offer that all passed with was sent.
void MessageGate::giveUp() {
  over_ = true;
  leave();
}

// Whether all others come to where we are with what we offer: looks at what they say of it, until one settles it.
Result<bool> MessageGate::await() {
  const Deadline deadline = Deadline::in(timeout_);
  for (int looks = 0;; ++looks) {
    if (interrupted_.load()) return Status(StatusCode::kShutDown, "interrupted");
    polled_.assign({{wakeUp_.fd(), POLLIN, 0}});
    for (Link& link : links_) {
      if (!link.socket) continue;
      const auto found = look(link);
      if (!found.ok()) return found.status().withPrefix(names_[static_cast<size_t>(&link - links_.data())] + ": ");
      // Others may see another reason, but they see one.
      if (found.value() == Found::kNotice) return false;
      // An offer of ours must be sent before we pass with it: the others read until they have it.
      const bool sending = link.sent < link.outgoing.size();
      if (found.value() == Found::kMissing || sending) {
        polled_.push_back({link.socket.fd(), static_cast<short>(POLLIN | (sending ? POLLOUT : 0)), 0});
      }
    }
    if (polled_.size() == 1) return true;
    if (deadline.passed()) return absent();
    if (looks < kLooks) {
      ::sched_yield();
      continue;
    }
    if (::poll(polled_.data(), polled_.size(), deadline.pollTimeoutMs()) < 0 && errno != EINTR) {
      return statusFromErrno(StatusCode::kInternal, "poll failed", errno);
    }
  }
}

// What a rank says to our latest offer, as far as it is here. Another offer than ours is as good as a notice.
Result<MessageGate::Found> MessageGate::look(Link& link) {
  const Status sent = send(link);
  if (const Status received = takeIn(link); !received.ok()) {
    if (!link.socket.ended()) return received;
    over_ = true;
    return Found::kNotice;
  }
  if (!has(link)) return sent.ok() ? Result<Found>(Found::kMissing) : sent;
  const auto theirs = parse(link.incoming);
  if (!theirs->offers || theirs->fingerprint != ownFingerprint_) return Found::kNotice;
  return sent.ok() ? Result<Found>(Found::kOffer) : sent;
}

// Sends what goes without waiting.
Status MessageGate::send(Link& link) {
  if (link.sent == link.outgoing.size()) return Status::okay();
  const auto sent = link.socket.trySend(std::span(link.outgoing).subspan(link.sent));
  if (!sent.ok()) return sent.status();
  link.sent += sent.value();
  if (link.sent < link.outgoing.size()) return Status::okay();
  link.outgoing.clear();
  link.sent = 0;
  return Status::okay();
}

// Takes in what is there, up to the message that says what the rank does where we are.
Status MessageGate::takeIn(Link& link) {
  for (;;) {
    if (Status s = dropEarlier(link); !s.ok()) return s;
    if (has(link)) return Status::okay();
    const auto got = link.socket.tryReceive(arrived_);
    if (!got.ok()) return got.status();
    if (got.value() == 0) return Status::okay();
    const auto end = arrived_.begin() + static_cast<std::ptrdiff_t>(got.value());
    link.incoming.insert(link.incoming.end(), arrived_.begin(), end);
  }
}

// Drops messages about where we were earlier. Fails where one makes no sense.
Status MessageGate::dropEarlier(Link& link) {
  size_t at = 0;
  while (link.incoming.size() - at >= kHeaderBytes) {
    const auto header = parse(std::span(link.incoming).subspan(at));
    if (!header || header->begun != link.begun + (header->offers ? 0 : 1)) {
      return Status(StatusCode::kInternal, "it sent a message that makes no sense; is it the same tsring version?");
    }
    const bool earlier = header->offers ? header->begun < begun_ : header->begun <= begun_;
    const size_t whole = kHeaderBytes + header->payloadBytes;
    if (!earlier || link.incoming.size() - at < whole) break;
    at += whole;
    link.begun = header->begun;
  }
  link.incoming.erase(link.incoming.begin(), link.incoming.begin() + static_cast<std::ptrdiff_t>(at));
  return Status::okay();
}

// Drops the offer that we passed with.
void MessageGate::dropFirst(Link& link) {
  if (!link.socket) return;
  const size_t whole = kHeaderBytes + parse(link.incoming)->payloadBytes;
  link.incoming.erase(link.incoming.begin(), link.incoming.begin() + static_cast<std::ptrdiff_t>(whole));
}

// Whether the message that says what the rank does where we are is wholly there; after dropEarlier.
bool MessageGate::has(const Link& link) const {
  if (link.incoming.size() < kHeaderBytes) return false;
  const auto header = parse(link.incoming);
  const bool earlier = header->offers ? header->begun < begun_ : header->begun <= begun_;
  return !earlier && link.incoming.size() - kHeaderBytes >= header->payloadBytes;
}

Status MessageGate::absent() const {
  std::string names;
  for (size_t peer = 0; peer < links_.size(); ++peer) {
    const Link& link = links_[peer];
    const bool here = has(link) && link.sent == link.outgoing.size();
    if (link.socket && !here) names.append(names.empty() ? "" : ", ").append(names_[peer]);
  }
  return Status(StatusCode::kTimeout, names + " did not call it within " + std::to_string(timeout_.count()) + " ms");
}

}  // namespace tsring
