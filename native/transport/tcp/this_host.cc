#include "transport/tcp/this_host.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <cstring>

#include "base/unique_fd.h"

namespace tsring {
namespace {

bool sameAddress(const sockaddr_storage& one, const sockaddr_storage& other) {
  if (one.ss_family != other.ss_family) return false;
  if (one.ss_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in&>(one).sin_addr.s_addr ==
           reinterpret_cast<const sockaddr_in&>(other).sin_addr.s_addr;
  }
  return one.ss_family == AF_INET6 &&
         std::memcmp(&reinterpret_cast<const sockaddr_in6&>(one).sin6_addr,
                     &reinterpret_cast<const sockaddr_in6&>(other).sin6_addr, sizeof(in6_addr)) == 0;
}

}  // namespace

bool staysOnThisHost(int fd) {
  sockaddr_storage own{};
  sockaddr_storage peer{};
  socklen_t ownLength = sizeof own;
  socklen_t peerLength = sizeof peer;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &ownLength) == 0 &&
         ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peerLength) == 0 && sameAddress(own, peer);
}

// A datagram socket gets the address that a connection would have, and sends nothing for it.
bool isOfThisHost(const sockaddr& address, socklen_t length) {
  const UniqueFd probe(::socket(address.sa_family, SOCK_DGRAM, 0));
  return probe && ::connect(probe.get(), &address, length) == 0 && staysOnThisHost(probe.get());
}

std::string sendUnpaced([[maybe_unused]] int fd) {
#ifdef TCP_CONGESTION
  std::array<char, 16> usual{};
  socklen_t length = usual.size() - 1;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, usual.data(), &length) != 0) return {};
  for (const char* unpaced : {"cubic", "reno"}) {
    if (::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, unpaced, static_cast<socklen_t>(std::strlen(unpaced))) == 0) {
      return usual.data();
    }
  }
#endif
  return {};
}

void takeCongestionControl([[maybe_unused]] int fd, [[maybe_unused]] const std::string& name) {
#ifdef TCP_CONGESTION
  if (!name.empty()) ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(), static_cast<socklen_t>(name.size()));
#endif
}

}  // namespace tsring
