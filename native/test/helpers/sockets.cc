#include "test/helpers/sockets.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <future>
#include <random>

#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"
#include "transport/tcp/striped_mesh.h"
#include "transport/tcp/tcp_mesh.h"

namespace tsring {

SocketPair connectedPair() {
  Listener listener = listenOnLoopback();
  SocketPair pair{callLoopback(listener.port()), {}};
  pollfd waiting{listener.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, soon().pollTimeoutMs()), 1);
  pair.called = listener.tryAccept();
  EXPECT_TRUE(pair.called);
  return pair;
}

SocketPair encryptedPair() {
  SocketPair pair = connectedPair();
  encrypt(pair.caller, pair.called, testJob());
  return pair;
}

void encrypt(Socket& caller, Socket& called, const JobCredentials& job) {
  const auto context = tlsOf(job);
  called.answerTls(*context);
  // The called side shakes hands while it receives; the byte that it waits for comes after that.
  auto calling = std::async(std::launch::async, [&] {
    if (Status s = caller.callTls(*context, soon()); !s.ok()) return s;
    return caller.sendAll(bytesOf("!"), soon());
  });
  std::byte first{};
  EXPECT_TRUE(isOk(called.receiveAll({&first, 1}, soon())));
  EXPECT_TRUE(isOk(calling.get()));
}

Listener listenOnLoopback() {
  auto listener = Listener::bind("127.0.0.1");
  EXPECT_TRUE(isOk(listener));
  return std::move(listener).value();
}

Socket callLoopback(uint16_t port) {
  auto socket = Socket::connect("127.0.0.1", port, soon());
  EXPECT_TRUE(isOk(socket));
  return std::move(socket).value();
}

namespace {

/// Sockets by rank and peer, `count` for each pair.
std::vector<std::vector<std::vector<Socket>>> linksOver(const std::function<SocketPair()>& connect, int size,
                                                        size_t count) {
  const auto ranks = static_cast<size_t>(size);
  std::vector<std::vector<std::vector<Socket>>> links(ranks);
  for (auto& row : links) row.resize(ranks);
  for (size_t low = 0; low < ranks; ++low) {
    for (size_t high = low + 1; high < ranks; ++high) {
      for (size_t i = 0; i < count; ++i) {
        SocketPair pair = connect();
        links[low][high].push_back(std::move(pair.called));
        // In another order at the other end: which one is which is for nobody to know.
        links[high][low].insert(links[high][low].begin(), std::move(pair.caller));
      }
    }
  }
  return links;
}

std::vector<std::unique_ptr<Mesh>> meshesOver(const std::function<SocketPair()>& connect, int size) {
  std::vector<std::unique_ptr<Mesh>> meshes;
  for (auto& links : linksOver(connect, size, 1)) {
    std::vector<Socket> single(links.size());
    for (size_t peer = 0; peer < links.size(); ++peer) {
      if (!links[peer].empty()) single[peer] = std::move(links[peer].front());
    }
    const auto rank = static_cast<int>(meshes.size());
    meshes.push_back(std::make_unique<TcpMesh>(rank, std::move(single), rankNames(size)));
  }
  return meshes;
}

}  // namespace

std::vector<std::unique_ptr<Mesh>> tcpMeshes(int size) {
  return meshesOver(connectedPair, size);
}

std::vector<std::unique_ptr<Mesh>> encryptedMeshes(int size) {
  return meshesOver(encryptedPair, size);
}

std::vector<std::unique_ptr<Mesh>> stripedMeshes(int size, const std::function<SocketPair()>& connect, size_t sockets) {
  std::vector<std::unique_ptr<Mesh>> meshes;
  for (auto& links : linksOver(connect, size, sockets)) {
    const auto rank = static_cast<int>(meshes.size());
    meshes.push_back(std::make_unique<StripedMesh>(rank, std::move(links), rankNames(size)));
  }
  return meshes;
}

std::vector<std::string> rankNames(int size) {
  std::vector<std::string> names;
  for (int rank = 0; rank < size; ++rank) {
    names.push_back("rank " + std::to_string(rank) + " on host" + std::to_string(rank));
  }
  return names;
}

JobCredentials testJob() {
  JobCredentials job{{}, "the-job", nullptr};
  for (size_t i = 0; i < job.secret.size(); ++i) job.secret[i] = static_cast<std::byte>(i);
  return job;
}

JobCredentials otherSecret() {
  JobCredentials job = testJob();
  job.secret.back() ^= std::byte{1};
  return job;
}

std::unique_ptr<TlsContext> tlsOf(const JobCredentials& job) {
  auto context = TlsContext::make(tlsKey(job.secret, job.jobId));
  EXPECT_TRUE(isOk(context));
  return std::move(context).value();
}

Bytes bytesOf(std::string_view text) {
  const auto bytes = asBytes(text);
  return {bytes.begin(), bytes.end()};
}

Bytes randomBytes(size_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(count);
  for (size_t at = 0; at < count; at += sizeof(uint64_t)) {  // eight at a time, as tests take megabytes
    const uint64_t drawn = random();
    std::memcpy(bytes.data() + at, &drawn, std::min(sizeof drawn, count - at));
  }
  return bytes;
}

void expectBytesBothWays(SocketPair pair) {
  const Bytes there = randomBytes(3'000'001, 1);
  const Bytes back = randomBytes(2'000'003, 2);
  Bytes gotThere(there.size()), gotBack(back.size());
  auto receiver = std::async(std::launch::async, [&] {
    const Status received = pair.called.receiveAll(gotThere, soon());
    return received.ok() ? pair.called.sendAll(back, soon()) : received;
  });
  EXPECT_TRUE(isOk(pair.caller.sendAll(there, soon())));
  EXPECT_TRUE(isOk(pair.caller.receiveAll(gotBack, soon())));
  EXPECT_TRUE(isOk(receiver.get()));
  EXPECT_TRUE(gotThere == there);
  EXPECT_TRUE(gotBack == back);
}

bool endsWithin(Socket& socket, Deadline deadline) {
  std::byte sink[256];
  while (!deadline.passed()) {
    pollfd waiting{socket.fd(), POLLIN, 0};
    if (::poll(&waiting, 1, deadline.pollTimeoutMs()) > 0 && !socket.tryReceive(sink).ok()) return true;
  }
  return false;
}

}  // namespace tsring
