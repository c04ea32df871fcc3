#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/status.h"
#include "transport/handshake.h"
#include "transport/tcp/link_up.h"
#include "transport/tcp/socket.h"

namespace tsring {

/// The called side of linking up: takes connections in, has each prove itself, keeps those it expects and drops the
/// rest. Many callers are served at once, and no caller can hold another up. Used by one thread, but for stop().
class Acceptor {
 public:
  Acceptor(Listener listener, const JobCredentials& job, uint32_t rank, uint32_t generation, size_t size,
           LinkCounts counts = {});

  /// Runs until every expected link is there. Fails with kTimeout, naming the ranks that are missing, or kShutDown
  /// after stop().
  Status run(const std::vector<Peer>& peers, Deadline deadline);
  /// Ends run() from another thread.
  void stop();
  /// What run() took in.
  Links take() { return std::move(links_); }

 private:
  /// A caller that has not proved itself yet.
  struct Caller {
    Socket socket;
    Deadline deadline;
    ChallengeFrame challenge;
    ProofFrame proof;
    size_t received = 0;
  };
  enum class Progress { kWaiting, kGone, kProved };

  void admit();
  Progress advance(Caller& caller);
  void keep(Caller caller);
  Socket* slotFor(const LinkIdentity& identity);
  size_t missingFrom(size_t peer) const;
  size_t missing() const;
  std::string missingNames(const std::vector<Peer>& peers) const;

  Listener listener_;
  const JobCredentials& job_;
  const uint32_t rank_;
  const uint32_t generation_;
  const size_t size_;
  const LinkCounts counts_;
  Links links_;
  std::list<Caller> callers_;
  WakeUp wakeUp_;
};

}  // namespace tsring
