#include "transport/tcp/tcp_mesh.h"

#include <sched.h>

#include <cerrno>

namespace tsring {
namespace {

// To sleep and be woken costs as much as some tens of looks, each of which lets others have the core.
constexpr int kLooks = 50;

}  // namespace

TcpMesh::TcpMesh(int rank, std::vector<Socket> links, std::vector<std::string> names)
    : rank_(rank), links_(std::move(links)), names_(std::move(names)) {
  polled_.reserve(links_.size() + 1);
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
  polled_.clear();
  polled_.push_back({wakeUp_.fd(), POLLIN, 0});
  bool inHand = false;
  for (const Interest& interest : interests) {
    const auto events = static_cast<short>((interest.send ? POLLOUT : 0) | (interest.receive ? POLLIN : 0));
    const Socket& link = links_[static_cast<size_t>(interest.peer)];
    inHand = inHand || (interest.receive && link.holdsBytes());
    if (events) polled_.push_back({link.fd(), events, 0});
  }
  if (inHand && !interrupted_.load(std::memory_order_acquire)) return Status::okay();
  for (int looks = 0;; ++looks) {
    if (interrupted_.load(std::memory_order_acquire)) return Status(StatusCode::kShutDown, "interrupted");
    const bool sleeps = looks >= kLooks;
    const int ready = ::poll(polled_.data(), polled_.size(), sleeps ? deadline.pollTimeoutMs() : 0);
    if (ready < 0 && errno != EINTR) return statusFromErrno(StatusCode::kInternal, "poll failed", errno);
    if (ready > 0 && !interrupted_.load(std::memory_order_acquire)) return Status::okay();
    if (ready == 0 && deadline.passed()) return Status(StatusCode::kTimeout, "timed out");
    if (!sleeps) ::sched_yield();
  }
}

void TcpMesh::interrupt() {
  interrupted_.store(true, std::memory_order_release);
  wakeUp_.signal();
}

}  // namespace tsring
