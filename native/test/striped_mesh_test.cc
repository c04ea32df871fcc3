#include "transport/tcp/striped_mesh.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/bytes.h"
#include "collective/pairwise.h"
#include "collective/ring_collectives.h"
#include "test/helpers/meshes.h"
#include "test/helpers/ring_of_sessions.h"
#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"
#include "transport/checksum_mesh.h"

// What is its own beside the contract of all meshes (mesh_test.cc).

namespace tsring {
namespace {

/// A mesh of two whose peer, rank 1, is played by hand: the other ends of its sockets.
struct ByHand {
  explicit ByHand(size_t sockets) {
    std::vector<std::vector<Socket>> links(2);
    for (size_t i = 0; i < sockets; ++i) {
      SocketPair pair = connectedPair();
      links[1].push_back(std::move(pair.caller));
      ends.push_back(std::move(pair.called));
    }
    mesh = std::make_unique<StripedMesh>(0, std::move(links), rankNames(2));
  }
  void play(size_t socket, uint32_t number, std::string_view payload) {
    playRaw(socket, number, static_cast<uint32_t>(payload.size()), payload);
  }
  void playRaw(size_t socket, uint32_t number, uint32_t length, std::string_view payload) {
    ByteWriter frame;
    frame.put(number).put(length).put(asBytes(payload));
    ASSERT_TRUE(isOk(ends[socket].sendAll(frame.bytes(), soon())));
  }
  /// Receives a frame of that payload. @returns its number
  uint32_t hear(size_t socket, std::string_view payload) {
    Bytes frame(8 + payload.size());
    EXPECT_TRUE(isOk(ends[socket].receiveAll(frame, soon())));
    ByteReader in(frame);
    const auto number = in.get<uint32_t>();
    EXPECT_EQ(in.get<uint32_t>(), payload.size());
    EXPECT_TRUE(std::ranges::equal(std::span(frame).subspan(8), asBytes(payload)));
    return number;
  }
  /// All that comes until there are `count` bytes, or an error.
  Status receive(size_t count, std::string& text) {
    Bytes got(count);
    if (Status s = receiveAll(*mesh, 1, got); !s.ok()) return s;
    text.assign(reinterpret_cast<const char*>(got.data()), got.size());
    return Status::okay();
  }
  std::unique_ptr<StripedMesh> mesh;
  std::vector<Socket> ends;
};

TEST(StripedMesh, PutsFramesInTheOrderOfTheirNumbersWhateverTheSocket) {
  ByHand link(3);
  link.play(2, 1, "cd");
  link.play(2, 2, "e");
  link.play(0, 3, "fgh");
  link.play(1, 0, "ab");
  std::string text;
  ASSERT_TRUE(isOk(link.receive(8, text)));
  EXPECT_EQ(text, "abcdefgh");
}

TEST(StripedMesh, WaitsForAFrameOnOneSocketWhileLaterOnesAreThereOnOthers) {
  ByHand link(2);
  link.play(1, 1, "later");
  Bytes got(5);
  EXPECT_EQ(link.mesh->tryReceive(1, got).value(), 0u);
  const Interest arrival[] = {{1, false, true}};
  EXPECT_EQ(link.mesh->wait(arrival, Deadline::in(milliseconds(30))).code(), StatusCode::kTimeout);
  link.play(0, 0, "first");
  std::string text;
  ASSERT_TRUE(isOk(link.receive(10, text)));
  EXPECT_EQ(text, "firstlater");
}

TEST(StripedMesh, APeerThatLeavesIsHeardToItsLastFrameWhicheverSocketEndsFirst) {
  ByHand link(2);
  link.ends[1].close();
  link.play(0, 0, "last");
  link.ends[0].close();
  std::string text;
  ASSERT_TRUE(isOk(link.receive(4, text)));
  EXPECT_EQ(text, "last");
  EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"rank 1"}, link.receive(1, text)));
}

TEST(StripedMesh, ASocketThatEndsInAFrameIsTheEndOfTheLink) {
  ByHand link(2);
  link.playRaw(0, 0, 100, "only part of it");
  link.ends[0].close();
  std::string text;
  EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"rank 1"}, link.receive(100, text)));
}

TEST(StripedMesh, WhatIsNoFrameIsAnErrorThatNamesTheSender) {
  for (const auto& [number, length] : {std::pair{0U, 0U}, {0U, 1U << 20}, {UINT32_MAX, 4U}}) {
    ByHand link(2);
    link.playRaw(0, number, length, "data");
    std::string text;
    EXPECT_TRUE(failsWith(StatusCode::kCorrupt, {"rank 1", "sockets"}, link.receive(4, text)));
  }
}

TEST(StripedMesh, SendsOverAsManySocketsAsItIsToldToUse) {
  ByHand link(4);
  uint32_t number = 0;
  for (const size_t used : {4U, 1U, 3U, 2U, 99U, 0U}) {
    link.mesh->use(used);
    for (uint32_t frame = 0; frame < 12; ++frame) EXPECT_EQ(link.mesh->trySend(1, bytesOf("data")).value(), 4u);
    const size_t sockets = std::clamp<size_t>(used, 1, 4);
    std::vector<uint32_t> numbers;
    for (size_t socket = 0; socket < sockets; ++socket) {
      for (size_t frame = 0; frame < 12 / sockets; ++frame) numbers.push_back(link.hear(socket, "data"));
    }
    std::ranges::sort(numbers);
    for (const uint32_t each : numbers) EXPECT_EQ(each, number++);
    for (Socket& end : link.ends) {
      std::byte more{};
      EXPECT_EQ(end.tryReceive({&more, 1}).value(), 0u) << "no socket has more than its part";
    }
  }
}

TEST(StripedMesh, ReceivesWhateverTheSenderUses) {
  auto meshes = stripedMeshes(2, connectedPair, 3);
  const Bytes data = randomBytes(2'000'003, 1);
  onRanks(2, [&](int rank) {
    auto& mesh = static_cast<StripedMesh&>(*meshes[static_cast<size_t>(rank)]);
    Bytes unused;
    for (const size_t used : {1U, 3U, 2U, 1U}) {
      mesh.use(rank == 0 ? used : 4 - used);
      Bytes got(data.size());
      ASSERT_TRUE(isOk(exchange({mesh, unused, milliseconds(10'000)}, 1 - rank, data, got)));
      EXPECT_TRUE(got == data);
    }
  });
}

TEST(StripedMesh, CarriesSumsWithAndWithoutChecksums) {
  for (const bool checks : {false, true}) {
    auto meshes = stripedMeshes(3, connectedPair, 4);
    onRanks(3, [&](int rank) {
      auto mesh = std::move(meshes[static_cast<size_t>(rank)]);
      if (checks) mesh = std::make_unique<ChecksumMesh>(std::move(mesh), rankNames(3));
      RingWorkspace workspace;
      for (const size_t count : {1, 1000, 1'000'003}) {
        std::vector<float> values(count);
        std::iota(values.begin(), values.end(), static_cast<float>(rank));
        const auto data = std::as_writable_bytes(std::span(values));
        const Team team = Team::whole(rank, 3);
        const Status summed =
            ringAllreduce(*mesh, team, data, DType::kFloat32, ReduceOp::kSum, workspace, milliseconds(10'000));
        ASSERT_TRUE(isOk(summed));
        EXPECT_EQ(values.front(), 3);
        EXPECT_EQ(values.back(), static_cast<float>(3 * (count - 1) + 3));
      }
    });
  }
}

TEST(StripedSessions, SumOnBothWaysAndBetweenHosts) {
  for (const bool encrypt : {false, true}) {
    SessionOptions options = testOptions();
    options.sockets = 3;
    options.encrypt = encrypt;
    options.transport = Transport::kAuto;
    const RingOfSessions ring("aabb", options);
    onRanks(ring.size(), [&](int rank) {
      for (const size_t count : {1, 1000, 300'001}) {
        const std::vector<float> values(count, static_cast<float>(rank));
        auto running = startSum(ring[rank], std::to_string(count), values);
        ASSERT_TRUE(isOk(running.wait()));
        EXPECT_EQ(running.numbers(), std::vector<float>(count, 6));
      }
    });
  }
}

}  // namespace
}  // namespace tsring
