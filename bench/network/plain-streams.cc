// What plain sockets carry round a ring of hosts: the ceiling that a ring of ranks is judged against.
//
//   plain-streams OWN_ADDRESS RIGHT_ADDRESS PORT SECONDS
//
// One process a host. Each sends to its right and receives from its left at the same time, 256 KB a call, in one thread
// for each direction. The first fifth of SECONDS warms up. Prints the bytes received a second in the rest, and the
// median time of a 4-byte round trip with the left neighbour, in microseconds.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kConnectTime = std::chrono::seconds(10);
constexpr size_t kCallBytes = 256 << 10;
constexpr int kRoundTrips = 20;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "plain-streams: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

sockaddr_in at(const char* address, int port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(static_cast<uint16_t>(port));
  if (::inet_pton(AF_INET, address, &result.sin_addr) != 1) fail(address);
  return result;
}

void prepare(int fd) {
  const int on = 1;
  const timeval patience{10, 0};
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

int listenOn(const sockaddr_in& own) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 || ::listen(fd, 1) != 0) fail("listen");
  return fd;
}

// The neighbour may not have started yet.
int connectTo(const sockaddr_in& right) {
  const auto deadline = Clock::now() + kConnectTime;
  for (;;) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&right), sizeof right) == 0) return fd;
    ::close(fd);
    if (Clock::now() > deadline) fail("connect");
    ::poll(nullptr, 0, 20);
  }
}

int acceptFrom(int listener) {
  pollfd waiting{listener, POLLIN, 0};
  if (::poll(&waiting, 1, 10'000) != 1) fail("nobody called");
  return ::accept(listener, nullptr, nullptr);
}

void all(ssize_t moved) {
  if (moved != 4) fail("a neighbour was lost");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const int port = std::atoi(argv[3]);
  const auto whole = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::atof(argv[4])));
  const int listener = listenOn(at(argv[1], port));
  const int right = connectTo(at(argv[2], port));
  const int left = acceptFrom(listener);
  prepare(left);
  prepare(right);

  std::vector<double> trips;
  std::thread answering([&] {
    uint32_t word = 0;
    for (int i = 0; i < kRoundTrips; ++i) {
      all(::recv(right, &word, sizeof word, MSG_WAITALL));
      all(::send(right, &word, sizeof word, MSG_NOSIGNAL));
    }
  });
  for (int i = 0; i < kRoundTrips; ++i) {
    uint32_t word = 0;
    const auto start = Clock::now();
    all(::send(left, &word, sizeof word, MSG_NOSIGNAL));
    all(::recv(left, &word, sizeof word, MSG_WAITALL));
    trips.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  answering.join();
  std::ranges::sort(trips);

  const auto start = Clock::now();
  std::thread sending([&] {
    const std::vector<char> bytes(kCallBytes);
    while (Clock::now() - start<whole&& ::send(right, bytes.data(), bytes.size(), MSG_NOSIGNAL)> 0) {
    }
    ::shutdown(right, SHUT_WR);
  });
  std::vector<char> bytes(kCallBytes);
  uint64_t counted = 0;
  auto began = start;
  auto last = start;
  for (;;) {
    const ssize_t got = ::recv(left, bytes.data(), bytes.size(), 0);
    if (got <= 0) break;
    const auto now = Clock::now();
    if (now - start < whole / 5) {
      began = now;
    } else if (now - start < whole) {
      counted += static_cast<uint64_t>(got);
      last = now;
    }
  }
  sending.join();
  const double seconds = std::chrono::duration<double>(last - began).count();
  std::printf("%.0f %.1f\n", seconds > 0 ? static_cast<double>(counted) / seconds : 0, trips[kRoundTrips / 2]);
}
