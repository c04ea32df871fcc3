#include "transport/tcp/acceptor.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>

namespace tsring {
namespace {

constexpr std::chrono::seconds kProofTime{10};
constexpr size_t kStrangersAtOnce = 128;

}  // namespace

Acceptor::Acceptor(Listener listener, const JobCredentials& job, uint32_t rank, uint32_t generation, size_t size,
                   LinkCounts counts)
    : listener_(std::move(listener)), job_(job), rank_(rank), generation_(generation), size_(size), counts_(counts) {
  links_.control.resize(size);
  links_.data.resize(size);
  for (auto& sockets : links_.data) sockets.resize(counts.data);
  links_.agreement.resize(size);
}

Status Acceptor::run(const std::vector<Peer>& peers, Deadline deadline) {
  std::vector<pollfd> polled;
  while (missing() > 0) {
    polled.assign({{wakeUp_.fd(), POLLIN, 0}, {listener_.fd(), POLLIN, 0}});
    Deadline next = deadline;
    for (const Caller& caller : callers_) {
      polled.push_back({caller.socket.fd(), POLLIN, 0});
      next = next.earlier(caller.deadline);
    }
    if (::poll(polled.data(), polled.size(), next.pollTimeoutMs()) < 0 && errno != EINTR) {
      return statusFromErrno(StatusCode::kInternal, "poll failed", errno);
    }
    if (polled[0].revents) return Status(StatusCode::kShutDown, "stopped");
    for (auto it = callers_.begin(); it != callers_.end();) {
      const Progress progress = advance(*it);
      if (progress == Progress::kProved) keep(std::move(*it));
      it = progress == Progress::kWaiting ? std::next(it) : callers_.erase(it);
    }
    if (polled[1].revents) admit();
    if (missing() > 0 && deadline.passed()) {
      return Status(StatusCode::kTimeout, "no connection came from " + missingNames(peers));
    }
  }
  return Status::okay();
}

void Acceptor::stop() {
  wakeUp_.signal();
}

// Takes in whoever waits. When too many have not proved themselves, the one that has been at it longest makes room.
void Acceptor::admit() {
  for (Socket socket = listener_.tryAccept(); socket; socket = listener_.tryAccept()) {
    if (callers_.size() >= kStrangersAtOnce + 2 * size_) callers_.pop_front();
    const Encryption encryption = job_.tls ? Encryption::kRequired : Encryption::kNone;
    Caller caller{std::move(socket), Deadline::in(kProofTime), makeChallenge(encryption), {}};
    // A fresh connection has room for a challenge; one that has not is not worth waiting for.
    const auto sent = caller.socket.trySend(caller.challenge);
    if (!sent.ok() || sent.value() != caller.challenge.size()) continue;
    if (job_.tls) caller.socket.answerTls(*job_.tls);
    callers_.push_back(std::move(caller));
  }
}

Acceptor::Progress Acceptor::advance(Caller& caller) {
  const auto got = caller.socket.tryReceive(std::span(caller.proof).subspan(caller.received));
  if (!got.ok() || caller.deadline.passed()) return Progress::kGone;
  caller.received += got.value();
  return caller.received < caller.proof.size() ? Progress::kWaiting : Progress::kProved;
}

void Acceptor::keep(Caller caller) {
  const auto identity = checkProof(job_, caller.challenge, caller.proof);
  Socket* slot = identity ? slotFor(*identity) : nullptr;
  if (!slot) return;
  const AcceptFrame accept = makeAccept(job_, caller.challenge, caller.proof);
  const auto sent = caller.socket.trySend(accept);
  if (sent.ok() && sent.value() == accept.size()) *slot = std::move(caller.socket);
}

// Where an expected link goes; null when this one is not expected, or all are there already.
Socket* Acceptor::slotFor(const LinkIdentity& identity) {
  if (identity.generation != generation_ || identity.rank <= rank_ || identity.rank >= size_) return nullptr;
  Socket* slot = nullptr;
  if (identity.purpose == LinkPurpose::kData) {
    auto& sockets = links_.data[identity.rank];
    const auto free = std::ranges::find_if(sockets, [](const Socket& socket) { return !socket; });
    slot = free == sockets.end() ? nullptr : &*free;
  }
  if (identity.purpose == LinkPurpose::kControl && rank_ == 0) slot = &links_.control[identity.rank];
  if (identity.purpose == LinkPurpose::kAgreement && counts_.agreement > 0) slot = &links_.agreement[identity.rank];
  return slot && !*slot ? slot : nullptr;
}

size_t Acceptor::missingFrom(size_t peer) const {
  const auto data = std::ranges::count_if(links_.data[peer], [](const Socket& socket) { return !socket; });
  const bool control = rank_ == 0 && !links_.control[peer];
  const bool agreement = counts_.agreement > 0 && !links_.agreement[peer];
  return static_cast<size_t>(data) + control + agreement;
}

size_t Acceptor::missing() const {
  size_t count = 0;
  for (size_t peer = rank_ + 1; peer < size_; ++peer) count += missingFrom(peer);
  return count;
}

std::string Acceptor::missingNames(const std::vector<Peer>& peers) const {
  std::string names;
  for (size_t peer = rank_ + 1; peer < size_; ++peer) {
    if (missingFrom(peer) > 0) names.append(names.empty() ? "" : ", ").append(peers[peer].name);
  }
  return names;
}

}  // namespace tsring
