#include "test/helpers/agreements.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "transport/tcp/link_up.h"

namespace tsring {
namespace {

constexpr HostLayout kAgreementLayout{.slotBytes = 64, .offerBytes = 4000};

/// The agreement links of every rank, as a ring has them.
std::vector<std::vector<Socket>> agreementLinks(int size) {
  std::vector<Listener> listeners;
  std::vector<Peer> peers;
  for (const auto& name : rankNames(size)) {
    listeners.push_back(listenOnLoopback());
    peers.push_back({"127.0.0.1", listeners.back().port(), name});
  }
  std::vector<std::vector<Socket>> links(static_cast<size_t>(size));
  onRanks(size, [&](int rank) {
    const auto at = static_cast<size_t>(rank);
    auto linked =
        linkUp(std::move(listeners[at]), testJob(), static_cast<uint32_t>(rank), 0, peers, soon(), {.agreement = 1});
    ASSERT_TRUE(isOk(linked));
    links[at] = std::move(linked.value().agreement);
  });
  return links;
}

GatePlan planOf(AgreementKind kind, size_t rank, size_t size) {
  constexpr size_t kTravelBytes = 64 << 10;
  constexpr size_t kCores = 2;
  return kind == AgreementKind::kByCores ? combineByCores(rank, size, kCores)
                                         : gatherEverywhere(rank, size, kTravelBytes);
}

void limitBuffers(const Socket& link, int bytes) {
  EXPECT_EQ(::setsockopt(link.fd(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
  EXPECT_EQ(::setsockopt(link.fd(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
}

}  // namespace

Agreements::Agreements(AgreementKind kind, int size, milliseconds patience, int bufferBytes) {
  const auto count = static_cast<size_t>(size);
  if (kind == AgreementKind::kGate) {
    segment_ = std::make_unique<PlainSegment>(count, kAgreementLayout);
    for (size_t rank = 0; rank < count; ++rank) {
      groups_.push_back(std::make_unique<HostGroup>(segment_->bytes(), rank, count, kAgreementLayout));
      sides_.push_back(std::make_unique<Gate>(*groups_.back(), patience));
    }
    return;
  }
  auto links = agreementLinks(size);
  for (size_t rank = 0; rank < count; ++rank) {
    for (const Socket& link : links[rank]) {
      if (link && bufferBytes > 0) limitBuffers(link, bufferBytes);
    }
    sides_.push_back(std::make_unique<MessageGate>(rank, std::move(links[rank]), rankNames(size), patience,
                                                   planOf(kind, rank, count)));
  }
}

}  // namespace tsring
