#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/deadline.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "transport/tcp/tls.h"

namespace tsring {

/// Whether the system may wait for what is sent next, and send both in one packet.
enum class Follows : uint8_t { kNothing, kMore };

/// One connected, non-blocking TCP stream, closed with the object. Used by one thread at a time.
class Socket {
 public:
  Socket() = default;
  /// Takes over a connected descriptor: no delay of small writes, no blocking.
  explicit Socket(UniqueFd fd);

  /// Connects to host (a name or an address) and port. Fails with kConnect, or kTimeout at the deadline.
  static Result<Socket> connect(const std::string& host, uint16_t port, Deadline deadline);

  /// Where both ends are on this host: buffers that stay in cache. Between hosts the system knows better.
  void suitThisHost();

  /// From here on all that goes either way is inside TLS. The caller's side does the handshake, and fails with
  /// kHandshake or kTimeout; the called side does it while it receives.
  Status callTls(const TlsContext& context, Deadline deadline);
  void answerTls(const TlsContext& context);

  /// As many bytes as go now, perhaps 0; the next call brings at least those that are left. Fails with kPeerLost or
  /// kInternal.
  Result<size_t> trySend(std::span<const std::byte> bytes, Follows follows = Follows::kNothing);
  /// As many bytes as are there now, perhaps 0. The end of the stream is kPeerLost; with TLS, changed bytes are
  /// kCorrupt.
  Result<size_t> tryReceive(std::span<std::byte> bytes);
  /// Whether there may be more to receive than poll(2) can see; false after a tryReceive that brought nothing.
  bool holdsBytes() const { return tls_ && tls_->holdsBytes(); }

  /// Every byte. Fails with kPeerLost, kInternal, or kTimeout at the deadline.
  Status sendAll(std::span<const std::byte> bytes, Deadline deadline);
  Status receiveAll(std::span<std::byte> bytes, Deadline deadline);

  /// Whether the peer has ended its stream, and all of it was received: it closed the connection or sends no more.
  bool ended() const { return tls_ ? tls_->ended() : ended_; }

  /// No more will be sent; the peer reads the end of the stream after what is under way.
  void finishSending();

  int fd() const { return fd_.get(); }
  explicit operator bool() const { return static_cast<bool>(fd_); }
  void close() {
    tls_.reset();
    fd_.reset();
  }

 private:
  Status waitFor(short events, Deadline deadline) const;
  UniqueFd fd_;
  std::unique_ptr<TlsStream> tls_;  // writes to fd_, and so goes first
  bool ended_ = false;
};

/// Listens on one address with a port that the system chooses.
class Listener {
 public:
  static Result<Listener> bind(const std::string& host);
  uint16_t port() const { return port_; }
  /// A connection that waits, or an empty socket when none does.
  Socket tryAccept();
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  uint16_t port_ = 0;
  std::string usualControl_;  // of congestion, for connections that come from other hosts
};

/// Lets one thread end another's poll(2). Any thread.
class WakeUp {
 public:
  WakeUp();
  void signal();
  void clear();
  int fd() const { return reader_.get(); }
  /// A byte written here is a signal(): for signal handlers.
  int signalFd() const { return writer_.get(); }

 private:
  UniqueFd reader_;
  UniqueFd writer_;
};

}  // namespace tsring
