#include "transport/agreement.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <random>
#include <tuple>

#include "base/mutex.h"
#include "kernel/reduce.h"
#include "test/helpers/agreements.h"
#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "transport/agreement_of_one.h"

namespace tsring {
namespace {

/// Stands for the coordinator: an operation on the other way is done, for all, once all ranks have asked for it.
class OtherWay {
 public:
  explicit OtherWay(Agreements& ranks) : ranks_(ranks) {}

  /// `rank` asks for operation number `k`.
  void ask(int rank, size_t k) {
    ranks_[rank].busy();
    MutexLock lock(mutex_);
    if (asked_.size() <= k) asked_.resize(k + 1);
    if (++asked_[k] < ranks_.size()) return;
    for (int other = 0; other < ranks_.size(); ++other) ranks_[other].idle();
    changed_.notifyAll();
  }
  bool awaitDone(size_t k) {
    MutexLock lock(mutex_);
    return changed_.waitUntil(mutex_, soon(), [&] { return asked_[k] == ranks_.size(); });
  }

 private:
  Agreements& ranks_;
  Mutex mutex_;
  Condition changed_;
  std::vector<int> asked_ GUARDED_BY(mutex_);
};

/// What a rank brings to operation number `k`: a payload that only this rank has then.
Bytes payloadOf(int rank, size_t k, size_t bytes) {
  Bytes payload(bytes, static_cast<std::byte>(static_cast<size_t>(rank) * 31 + k * 7));
  if (bytes > 0) payload.back() = static_cast<std::byte>(bytes);
  return payload;
}

/// What `rank` brings to operation number `k`, under `fingerprint`: combined, payloads are summed byte by byte.
Offer offerOf(uint64_t fingerprint, const Bytes& payload) {
  return {fingerprint, payload, [](std::byte* into, const std::byte* left, const std::byte* right, size_t bytes) {
            combine(ReduceOp::kSum, DType::kUint8, into, left, right, bytes);
          }};
}

void expectSum(Agreements& ranks, std::span<const std::byte> sum, size_t k, size_t bytes) {
  Bytes wanted(bytes);
  for (int other = 0; other < ranks.size(); ++other) {
    reduceInto(ReduceOp::kSum, DType::kUint8, wanted.data(), payloadOf(other, k, bytes).data(), bytes);
  }
  ASSERT_EQ(sum.size(), bytes);
  ASSERT_TRUE(std::ranges::equal(sum, wanted)) << "operation " << k;
}

void expectOffers(Agreements& ranks, int rank, uint64_t fingerprint, size_t k, size_t bytes) {
  if (const auto sum = ranks[rank].combined()) return expectSum(ranks, *sum, k, bytes);
  for (int other = 0; other < ranks.size(); ++other) {
    const Offer offer = ranks[rank].offerOf(static_cast<size_t>(other));
    EXPECT_EQ(offer.fingerprint, fingerprint);
    const Bytes wanted = payloadOf(other, k, bytes);
    ASSERT_EQ(offer.payload.size(), bytes);
    ASSERT_TRUE(bytes == 0 || std::memcmp(offer.payload.data(), wanted.data(), bytes) == 0)
        << "rank " << other << "'s, operation " << k;
  }
}

class AgreementOf : public testing::TestWithParam<std::tuple<AgreementKind, int>> {
 protected:
  static AgreementKind kind() { return std::get<0>(GetParam()); }
  static int size() { return std::get<1>(GetParam()); }
};

TEST_P(AgreementOf, LetsAllPassWhoComeWithTheSameAndShowsThemWhatEachBrought) {
  Agreements ranks(kind(), size());
  const size_t most = ranks[0].payloadBytes();
  const size_t lengths[] = {0, 1, 8, 100, most};
  onRanks(size(), [&](int rank) {
    for (size_t k = 0; k < 500; ++k) {
      const size_t bytes = lengths[k % 20 == 0 ? 4 : k % 4];
      const auto passed = ranks[rank].tryPass(offerOf(k, payloadOf(rank, k, bytes)));
      ASSERT_TRUE(isOk(passed));
      ASSERT_TRUE(passed.value()) << "operation " << k;
      expectOffers(ranks, rank, k, k, bytes);
    }
  });
}

TEST_P(AgreementOf, SendsAllTheOtherWayWhereOneMeansSomethingElse) {
  Agreements ranks(kind(), size());
  OtherWay otherWay(ranks);
  onRanks(size(), [&](int rank) {
    for (size_t k = 0; k < 400; ++k) {
      const bool odd = k % 2 == 1 && static_cast<int>(k / 2) % size() == rank;
      const auto passed = ranks[rank].tryPass(offerOf(odd ? 1000 + k : k, payloadOf(rank, k, 10)));
      ASSERT_TRUE(isOk(passed));
      // At the gate the next operation may meet a rank that has not yet come back from the last.
      if (k % 2 == 1 || kind() != AgreementKind::kGate) {
        EXPECT_EQ(passed.value(), k % 2 == 0);
      }
      if (passed.value()) continue;
      otherWay.ask(rank, k);
      ASSERT_TRUE(otherWay.awaitDone(k));
    }
  });
}

TEST_P(AgreementOf, SendsAllTheOtherWayWhileOneIsBusyAndStaysInStep) {
  Agreements ranks(kind(), size());
  for (int busy = 0; busy < size(); ++busy) {
    OtherWay otherWay(ranks);
    onRanks(size(), [&](int rank) {
      if (rank != busy) {
        const auto passed = ranks[rank].tryPass({1, {}});
        ASSERT_TRUE(isOk(passed));
        EXPECT_FALSE(passed.value());
      }
      otherWay.ask(rank, 0);
    });
    onRanks(size(), [&](int rank) {
      const auto passed = ranks[rank].tryPass(offerOf(2, payloadOf(rank, 2, 5)));
      ASSERT_TRUE(isOk(passed));
      ASSERT_TRUE(passed.value());
      expectOffers(ranks, rank, 2, 2, 5);
    });
  }
}

// Programs in which ranks do the same operations in the same order, each now blocking, now not.
TEST_P(AgreementOf, EndsTheSameForAllHoweverRanksMixTheirWays) {
  constexpr size_t kOperations = 2000;
  for (unsigned program = 0; program < 2; ++program) {
    Agreements ranks(kind(), size());
    OtherWay otherWay(ranks);
    std::vector<std::vector<bool>> passedBy(static_cast<size_t>(size()), std::vector<bool>(kOperations));
    onRanks(size(), [&](int rank) {
      std::mt19937 own(program * 100 + static_cast<unsigned>(rank));
      std::mt19937 common(program);
      for (size_t k = 0; k < kOperations; ++k) {
        const size_t bytes = common() % 32 == 0 ? ranks[rank].payloadBytes() : common() % 64;
        const bool oddOne = own() % 40 == 0;
        // Calm stretches, in which operations can pass, and wild ones.
        const bool blocks = k / 50 % 2 == 0 ? own() % 100 != 0 : own() % 4 != 0;
        bool passes = false;
        if (blocks) {
          const auto passed =
              ranks[rank].tryPass(offerOf(oddOne ? ~k - static_cast<size_t>(rank) : k, payloadOf(rank, k, bytes)));
          ASSERT_TRUE(isOk(passed)) << "operation " << k;
          passes = passed.value();
          if (passes) expectOffers(ranks, rank, k, k, bytes);
        }
        passedBy[static_cast<size_t>(rank)][k] = passes;
        if (passes) continue;
        otherWay.ask(rank, k);
        if (!blocks) continue;
        ASSERT_TRUE(otherWay.awaitDone(k)) << "operation " << k;
      }
    });
    for (const auto& passed : passedBy) EXPECT_EQ(passed, passedBy.front());
    EXPECT_GT(std::ranges::count(passedBy.front(), true), 100);
    EXPECT_GT(std::ranges::count(passedBy.front(), false), 100);
  }
}

// One begins many things before it blocks, the other blocks first: both in the same operation.
TEST_P(AgreementOf, KeepsNobodyWaitingWhereRanksDoThingsInOtherOrders) {
  Agreements ranks(kind(), size());
  OtherWay otherWay(ranks);
  onRanks(size(), [&](int rank) {
    std::mt19937 random(static_cast<unsigned>(rank));
    for (size_t round = 0; round < 300; ++round) {
      // Operations 4 k to 4 k + 2 are begun without waiting, some before and some after the one that blocks.
      const size_t before = random() % 4;
      const auto begin = [&](size_t from, size_t to) {
        for (size_t i = from; i < to; ++i) otherWay.ask(rank, 4 * round + i);
      };
      begin(0, before);
      const auto passed = ranks[rank].tryPass({round, {}});
      ASSERT_TRUE(isOk(passed)) << "round " << round;
      if (!passed.value()) {
        otherWay.ask(rank, 4 * round + 3);
        ASSERT_TRUE(otherWay.awaitDone(4 * round + 3)) << "round " << round;
      }
      begin(before, 3);
      for (size_t i = 0; i < 3 && random() % 2 == 0; ++i) ASSERT_TRUE(otherWay.awaitDone(4 * round + i));
    }
  });
}

TEST_P(AgreementOf, OneThatLeavesKeepsNobodyWaiting) {
  for (int left = 0; left < size(); ++left) {
    Agreements ranks(kind(), size());
    std::atomic<int> coming = 0;
    onRanks(size(), [&](int rank) {
      if (rank == left) {
        ranks[rank].leave();
        return;
      }
      for (int again = 0; again < 3; ++again) {
        const auto passed = ranks[rank].tryPass({1, {}});
        EXPECT_FALSE(passed.ok() && passed.value());
        if (!passed.ok()) continue;
        ranks[rank].busy();
        ranks[rank].idle();
      }
      ++coming;
    });
    EXPECT_EQ(coming, size() - 1);
  }
}

TEST_P(AgreementOf, AnInterruptEndsAWaitAndEveryLaterOne) {
  Agreements ranks(kind(), size(), milliseconds(60'000));
  const auto start = Clock::now();
  {
    std::jthread waits([&] {
      const auto passed = ranks[0].tryPass({1, {}});
      EXPECT_FALSE(passed.ok() && passed.value());
    });
    ranks[0].interrupt();
  }
  // Even where all come.
  for (int rank = 1; rank < size(); ++rank) ranks[rank].interrupt();
  onRanks(size(), [&](int rank) {
    const auto passed = ranks[rank].tryPass({1, {}});
    EXPECT_FALSE(passed.ok() && passed.value());
  });
  EXPECT_LT(since(start), milliseconds(20'000));
}

INSTANTIATE_TEST_SUITE_P(Kinds, AgreementOf,
                         testing::Combine(testing::ValuesIn(kAgreementKinds), testing::Values(2, 3, 4, 7)),
                         [](const auto& info) {
                           return kindName(std::get<0>(info.param)) + std::to_string(std::get<1>(info.param));
                         });

/// Bytes in pairs, each pair the map x -> scale x + shift of bytes: combined, the left one is applied last. How they
/// are bracketed does not matter, the order does.
void composeMaps(std::byte* into, const std::byte* left, const std::byte* right, size_t bytes) {
  for (size_t i = 0; i + 1 < bytes; i += 2) {
    const auto scale = std::to_integer<unsigned>(left[i]);
    const auto shift = std::to_integer<unsigned>(left[i + 1]) + scale * std::to_integer<unsigned>(right[i + 1]);
    into[i] = static_cast<std::byte>(scale * std::to_integer<unsigned>(right[i]));
    into[i + 1] = static_cast<std::byte>(shift);
  }
}

/// Maps that only `rank` brings; with odd scales no two of them have the same effect.
Bytes mapsOf(int rank, size_t bytes) {
  Bytes maps(bytes);
  for (size_t i = 0; i + 1 < bytes; i += 2) {
    maps[i] = static_cast<std::byte>(2 * rank + 3 + 2 * static_cast<int>(i % 64));
    maps[i + 1] = static_cast<std::byte>(rank + 1);
  }
  return maps;
}

TEST(MessageGate, CombinesByCoresWhatComesAlongInTheOrderOfRanks) {
  for (const int size : {3, 8}) {
    Agreements ranks(AgreementKind::kByCores, size);
    for (const size_t bytes : {size_t{2}, size_t{1000}, ranks[0].payloadBytes()}) {
      Bytes wanted = mapsOf(0, bytes);
      for (int rank = 1; rank < size; ++rank)
        composeMaps(wanted.data(), wanted.data(), mapsOf(rank, bytes).data(), bytes);
      onRanks(size, [&](int rank) {
        const Bytes own = mapsOf(rank, bytes);
        const auto passed = ranks[rank].tryPass({bytes, own, composeMaps});
        ASSERT_TRUE(isOk(passed));
        ASSERT_TRUE(passed.value());
        const auto combined = ranks[rank].combined();
        ASSERT_TRUE(combined.has_value()) << "nothing was combined on the way";
        EXPECT_TRUE(std::ranges::equal(*combined, wanted)) << size << " ranks, " << bytes << " bytes";
      });
    }
  }
}

TEST(AgreementOfOne, PassesUnlessItIsOnTheOtherWay) {
  AgreementOfOne rank;
  EXPECT_TRUE(rank.tryPass({1, {}}).value());
  rank.busy();
  EXPECT_FALSE(rank.tryPass({2, {}}).value());
  rank.idle();
  EXPECT_TRUE(rank.tryPass({3, {}}).value());
  rank.leave();
  EXPECT_FALSE(rank.tryPass({4, {}}).value());
}

TEST(Gate, DoesNotWaitLongForOneThatDoesNotCome) {
  Agreements ranks(AgreementKind::kGate, 3, milliseconds(50));
  OtherWay otherWay(ranks);
  onRanks(2, [&](int rank) {
    const auto passed = ranks[rank].tryPass({1, {}});
    EXPECT_FALSE(passed.value());
    otherWay.ask(rank, 0);
  });
  otherWay.ask(2, 0);
  onRanks(3, [&](int rank) { EXPECT_TRUE(ranks[rank].tryPass({2, {}}).value()); });
}

// Also those that it does not hear from itself, and not one that came when the others had waited for long.
void expectNamesOfThoseThatDoNotCome(AgreementKind kind) {
  constexpr int kRanks = 7;
  Agreements ranks(kind, kRanks, milliseconds(2000));
  std::vector<std::string> said(kRanks);
  onRanks(kRanks, [&](int rank) {
    if (rank == 0 || rank == 3) return;
    if (rank == 5) std::this_thread::sleep_for(milliseconds(700));
    const Status status = ranks[rank].tryPass({1, {}}).status();
    EXPECT_EQ(status.code(), StatusCode::kTimeout);
    said[static_cast<size_t>(rank)] = status.message();
  });
  for (const int rank : {1, 2, 4, 6}) {
    EXPECT_EQ(said[static_cast<size_t>(rank)], "rank 0 on host0, rank 3 on host3 did not call it within 2000 ms");
  }
}

TEST(MessageGate, NamesThoseThatDoNotComeInTime) {
  expectNamesOfThoseThatDoNotCome(AgreementKind::kMessages);
}

TEST(MessageGate, NamesThoseThatDoNotComeInTimeByCores) {
  expectNamesOfThoseThatDoNotCome(AgreementKind::kByCores);
}

// A rank far ahead on the other way, another that does not look: neither waits for the other.
TEST(MessageGate, ARankMayBeFarAheadOfOneThatTakesNothingIn) {
  constexpr size_t kAhead = 5'000;
  Agreements ranks(AgreementKind::kMessages, 3, std::chrono::seconds(20), 8 << 10);
  for (size_t k = 0; k < kAhead; ++k) ranks[0].busy();
  onRanks(3, [&](int rank) {
    if (rank == 0) return;
    for (size_t k = 0; k < 1000; ++k) {
      const auto passed = ranks[rank].tryPass({k, {}});
      ASSERT_TRUE(isOk(passed));
      ASSERT_FALSE(passed.value());
      ranks[rank].busy();
      ranks[rank].idle();
    }
    for (size_t k = 1000; k < kAhead; ++k) {
      ranks[rank].busy();
      ranks[rank].idle();
    }
  });
  for (size_t k = 0; k < kAhead; ++k) ranks[0].idle();
  // They may have stopped coming for good, but all of them.
  std::vector<char> passes(3);
  onRanks(3, [&](int rank) {
    const auto passed = ranks[rank].tryPass({1, {}});
    ASSERT_TRUE(isOk(passed));
    passes[static_cast<size_t>(rank)] = passed.value();
  });
  EXPECT_EQ(std::ranges::count(passes, passes.front()), 3);
}

// One offers as much as it may again and again, the other never looks.
TEST(MessageGate, APayloadThatNobodyTakesInHoldsNobodyUp) {
  Agreements ranks(AgreementKind::kMessages, 2, std::chrono::seconds(20), 16 << 10);
  OtherWay otherWay(ranks);
  onRanks(2, [&](int rank) {
    for (size_t k = 0; k < 200; ++k) {
      if (rank == 0) {
        const auto passed = ranks[0].tryPass(offerOf(k, payloadOf(0, k, ranks[0].payloadBytes())));
        ASSERT_TRUE(isOk(passed)) << k;
        ASSERT_FALSE(passed.value());
      }
      otherWay.ask(rank, k);
      ASSERT_TRUE(otherWay.awaitDone(k));
    }
  });
}

class StrangeMessage : public testing::Test {
 protected:
  StrangeMessage() {
    SocketPair pair = connectedPair();
    peer_ = std::move(pair.called);
    std::vector<Socket> links(2);
    links[1] = std::move(pair.caller);
    gate_ = std::make_unique<MessageGate>(0, std::move(links), rankNames(2), milliseconds(20'000),
                                          gatherEverywhere(0, 2, 64 << 10));
  }
  static ByteWriter message(uint8_t kind, uint8_t zero, uint32_t length, uint64_t begun, uint64_t passes = 0) {
    ByteWriter out;
    out.put(kind).put(zero).put(uint16_t{0}).put(length).put(begun).put(passes).put(uint64_t{7});
    return out;
  }
  Status afterBytes(const ByteWriter& bytes) {
    EXPECT_TRUE(isOk(peer_.sendAll(bytes.bytes(), soon())));
    return gate_->tryPass({7, {}}).status();
  }
  Socket peer_;
  std::unique_ptr<MessageGate> gate_;
};

TEST_F(StrangeMessage, IsTakenWhereItMakesSense) {
  EXPECT_TRUE(isOk(afterBytes(message(1, 0, 0, 0))));
}

TEST_F(StrangeMessage, OfAnImpossibleLengthIsAnErrorThatNamesItsSender) {
  EXPECT_TRUE(failsWith(StatusCode::kInternal, {"rank 1", "no sense"}, afterBytes(message(1, 0, 1U << 31, 0))));
}

TEST_F(StrangeMessage, IsSeenBehindGoodOnesToo) {
  gate_->busy();
  gate_->idle();
  ByteWriter two = message(0, 0, 0, 1);
  two.put(std::span<const std::byte>(message(1, 0, 0xffff'ffff, 1).bytes()));
  EXPECT_TRUE(failsWith(StatusCode::kInternal, {"rank 1"}, afterBytes(two)));
}

TEST_F(StrangeMessage, OfAnUnknownKindIsAnError) {
  EXPECT_EQ(afterBytes(message(4, 0, 0, 0)).code(), StatusCode::kInternal);
}

TEST_F(StrangeMessage, WithReservedBytesSetIsAnError) {
  EXPECT_EQ(afterBytes(message(1, 1, 0, 0)).code(), StatusCode::kInternal);
}

TEST_F(StrangeMessage, OutOfTurnIsAnError) {
  EXPECT_EQ(afterBytes(message(1, 0, 0, 5)).code(), StatusCode::kInternal);
}

TEST_F(StrangeMessage, AboutAPassThatNeverWasIsAnError) {
  EXPECT_EQ(afterBytes(message(1, 0, 0, 0, 2)).code(), StatusCode::kInternal);
  EXPECT_EQ(gate_->tryPass({7, {}}).value(), false);
}

TEST_F(StrangeMessage, WithMoreDataThanThereAreIsAnError) {
  ByteWriter more = message(1, 0, 1, 0);
  more.put(uint8_t{1});
  EXPECT_TRUE(failsWith(StatusCode::kInternal, {"rank 1", "no sense"}, afterBytes(more)));
}

TEST_F(StrangeMessage, AnEndInTheMiddleOfAMessageIsTheEndOfComing) {
  const ByteWriter whole = message(1, 0, 0, 0);
  EXPECT_TRUE(isOk(peer_.sendAll(std::span(whole.bytes()).first(10), soon())));
  peer_.finishSending();
  const auto passed = gate_->tryPass({7, {}});
  ASSERT_TRUE(isOk(passed));
  EXPECT_FALSE(passed.value());
}

}  // namespace
}  // namespace tsring
