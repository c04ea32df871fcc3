#include "transport/tcp/this_host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <array>

#include "base/unique_fd.h"
#include "test/helpers/sockets.h"
#include "test/helpers/waits.h"

namespace tsring {
namespace {

sockaddr_in ipv4(const char* address, uint16_t port) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &made.sin_addr);
  return made;
}

const sockaddr& plain(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr&>(address);
}

TEST(ThisHost, KnowsItsOwnAddresses) {
  EXPECT_TRUE(isOfThisHost(plain(ipv4("127.0.0.1", 1)), sizeof(sockaddr_in)));
  EXPECT_FALSE(isOfThisHost(plain(ipv4("192.0.2.1", 1)), sizeof(sockaddr_in)));
}

#ifdef TCP_CONGESTION

std::string controlOf(int fd) {
  std::array<char, 16> name{};
  socklen_t length = name.size() - 1;
  EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(), &length), 0);
  return name.data();
}

/// The control that a socket gets when it is told nothing, and the one that it gets by sendUnpaced, if any.
struct Controls {
  std::string usual;
  std::string unpaced;
};
Controls controlsHere() {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM, 0));
  const std::string usual = controlOf(socket.get());
  sendUnpaced(socket.get());
  return {usual, controlOf(socket.get())};
}

TEST(ThisHost, BothEndsOfAConnectionInsideItAreUnpaced) {
  const SocketPair pair = connectedPair();
  const std::string unpaced = controlsHere().unpaced;
  EXPECT_EQ(controlOf(pair.caller.fd()), unpaced);
  EXPECT_EQ(controlOf(pair.called.fd()), unpaced);
}

// Linux has all of 127.0.0.0/8; a caller with another address than ours passes for another host.
TEST(ThisHost, AConnectionFromElsewhereHasTheUsualControl) {
  Listener listener = listenOnLoopback();
  const UniqueFd caller(::socket(AF_INET, SOCK_STREAM, 0));
  const sockaddr_in other = ipv4("127.0.0.2", 0);
  const sockaddr_in target = ipv4("127.0.0.1", listener.port());
  if (::bind(caller.get(), &plain(other), sizeof other) != 0) GTEST_SKIP() << "no address 127.0.0.2 here";
  ASSERT_EQ(::connect(caller.get(), &plain(target), sizeof target), 0);
  pollfd waiting{listener.fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&waiting, 1, soon().pollTimeoutMs()), 1);
  const Socket called = listener.tryAccept();
  ASSERT_TRUE(called);
  EXPECT_EQ(controlOf(called.fd()), controlsHere().usual);
}

#endif

}  // namespace
}  // namespace tsring
