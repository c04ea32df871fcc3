#include "transport/tcp/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "transport/tcp/this_host.h"

namespace tsring {
namespace {

constexpr int kBacklog = 1024;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

std::string endpoint(const std::string& host, uint16_t port) {
  return host + ":" + std::to_string(port);
}

Result<Addresses> resolve(const std::string& host, uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list)) {
    return Status(StatusCode::kConnect, "cannot resolve " + endpoint(host, port) + ": " + ::gai_strerror(error));
  }
  return Addresses(list);
}

UniqueFd openSocket(const addrinfo& address) {
  UniqueFd fd(::socket(address.ai_family, SOCK_STREAM, 0));
  if (fd) ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  return fd;
}

void setFlag(int fd, int level, int name) {
  const int on = 1;
  ::setsockopt(fd, level, name, &on, sizeof on);
}

void setNonBlocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

bool wouldBlock(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

#ifdef MSG_MORE
constexpr int kMoreFlag = MSG_MORE;
#else
constexpr int kMoreFlag = 0;
#endif

#ifdef MSG_NOSIGNAL
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;
#endif

}  // namespace

Socket::Socket(UniqueFd fd) : fd_(std::move(fd)) {
  if (!fd_) return;
  setNonBlocking(fd_.get());
  setFlag(fd_.get(), IPPROTO_TCP, TCP_NODELAY);
#ifdef SO_NOSIGPIPE
  setFlag(fd_.get(), SOL_SOCKET, SO_NOSIGPIPE);
#endif
}

Result<Socket> Socket::connect(const std::string& host, uint16_t port, Deadline deadline) {
  auto addresses = resolve(host, port, 0);
  if (!addresses.ok()) return addresses.status();
  Status last(StatusCode::kConnect, "no address for " + endpoint(host, port));
  const std::string what = "cannot connect to " + endpoint(host, port);
  for (const addrinfo* address = addresses.value().get(); address; address = address->ai_next) {
    UniqueFd fd = openSocket(*address);
    if (!fd) {
      last = statusFromErrno(StatusCode::kConnect, what, errno);
      continue;
    }
    setNonBlocking(fd.get());
    if (isOfThisHost(*address->ai_addr, address->ai_addrlen)) sendUnpaced(fd.get());
    if (::connect(fd.get(), address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS) {
      last = statusFromErrno(StatusCode::kConnect, what, errno);
      continue;
    }
    Socket socket(std::move(fd));
    if (Status s = socket.waitFor(POLLOUT, deadline); !s.ok()) return s.withPrefix(what + ": ");
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &length);
    if (error == 0) return socket;
    last = statusFromErrno(StatusCode::kConnect, what, error);
  }
  return last;
}

void Socket::suitThisHost() {
  if (!staysOnThisHost(fd_.get())) return;
  // More would pass through memory instead of a cache.
  constexpr int kBufferBytes = 512 << 10;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &kBufferBytes, sizeof kBufferBytes);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &kBufferBytes, sizeof kBufferBytes);
}

Status Socket::callTls(const TlsContext& context, Deadline deadline) {
  tls_ = std::make_unique<TlsStream>(context, fd_.get(), TlsSide::kCaller);
  for (;;) {
    const auto step = tls_->shakeHands();
    if (!step.ok()) return step.status();
    if (step.value() == TlsStream::Step::kDone) return Status::okay();
    const short event = step.value() == TlsStream::Step::kNeedsInput ? POLLIN : POLLOUT;
    if (Status s = waitFor(event, deadline); !s.ok()) return s;
  }
}

void Socket::answerTls(const TlsContext& context) {
  tls_ = std::make_unique<TlsStream>(context, fd_.get(), TlsSide::kCalled);
}

Result<size_t> Socket::trySend(std::span<const std::byte> bytes, Follows follows) {
  if (tls_) return tls_->trySend(bytes);
  const int flags = kSendFlags | (follows == Follows::kMore ? kMoreFlag : 0);
  const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), flags);
  if (sent >= 0) return static_cast<size_t>(sent);
  if (wouldBlock(errno)) return size_t{0};
  return statusFromErrno(StatusCode::kInternal, "send failed", errno);
}

Result<size_t> Socket::tryReceive(std::span<std::byte> bytes) {
  if (tls_) return tls_->tryReceive(bytes);
  const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
  if (got > 0) return static_cast<size_t>(got);
  if (got == 0) {
    if (bytes.empty()) return size_t{0};
    ended_ = true;
    return Status(StatusCode::kPeerLost, "the connection was closed");
  }
  if (wouldBlock(errno)) return size_t{0};
  return statusFromErrno(StatusCode::kInternal, "receive failed", errno);
}

Status Socket::sendAll(std::span<const std::byte> bytes, Deadline deadline) {
  while (!bytes.empty()) {
    auto sent = trySend(bytes);
    if (!sent.ok()) return sent.status();
    bytes = bytes.subspan(sent.value());
    if (bytes.empty()) break;
    if (Status s = waitFor(POLLOUT, deadline); !s.ok()) return s;
  }
  return Status::okay();
}

Status Socket::receiveAll(std::span<std::byte> bytes, Deadline deadline) {
  while (!bytes.empty()) {
    auto got = tryReceive(bytes);
    if (!got.ok()) return got.status();
    bytes = bytes.subspan(got.value());
    if (bytes.empty()) break;
    if (Status s = waitFor(POLLIN, deadline); !s.ok()) return s;
  }
  return Status::okay();
}

void Socket::finishSending() {
  if (fd_) ::shutdown(fd_.get(), SHUT_WR);
}

Status Socket::waitFor(short events, Deadline deadline) const {
  pollfd entry{fd_.get(), events, 0};
  for (;;) {
    const int ready = ::poll(&entry, 1, deadline.pollTimeoutMs());
    if (ready > 0) return Status::okay();
    if (ready == 0 && deadline.passed()) return Status(StatusCode::kTimeout, "timed out");
    if (ready < 0 && errno != EINTR) return statusFromErrno(StatusCode::kInternal, "poll failed", errno);
  }
}

Result<Listener> Listener::bind(const std::string& host) {
  auto addresses = resolve(host, 0, AI_PASSIVE);
  if (!addresses.ok()) return addresses.status();
  const addrinfo& address = *addresses.value();
  Listener listener;
  listener.fd_ = openSocket(address);
  if (listener.fd_) listener.usualControl_ = sendUnpaced(listener.fd_.get());
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (!listener.fd_ || ::bind(listener.fd_.get(), address.ai_addr, address.ai_addrlen) != 0 ||
      ::listen(listener.fd_.get(), kBacklog) != 0 ||
      ::getsockname(listener.fd_.get(), reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    return statusFromErrno(StatusCode::kConnect, "cannot listen on " + host, errno);
  }
  setNonBlocking(listener.fd_.get());
  listener.port_ = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                                     : reinterpret_cast<sockaddr_in&>(bound).sin_port);
  return listener;
}

Socket Listener::tryAccept() {
  UniqueFd fd(::accept(fd_.get(), nullptr, nullptr));
  if (!fd) return Socket();
  ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  if (!staysOnThisHost(fd.get())) takeCongestionControl(fd.get(), usualControl_);
  return Socket(std::move(fd));
}

WakeUp::WakeUp() {
  int ends[2];
  if (::pipe(ends) != 0) return;
  reader_ = UniqueFd(ends[0]);
  writer_ = UniqueFd(ends[1]);
  for (const int end : ends) {
    ::fcntl(end, F_SETFD, FD_CLOEXEC);
    setNonBlocking(end);
  }
}

void WakeUp::signal() {
  const std::byte one{1};
  [[maybe_unused]] const auto written = ::write(writer_.get(), &one, 1);  // a full pipe wakes as well
}

void WakeUp::clear() {
  std::byte sink[64];
  while (::read(reader_.get(), sink, sizeof sink) > 0) {
  }
}

}  // namespace tsring
