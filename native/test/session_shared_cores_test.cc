#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <span>
#include <sstream>
#include <string>

#include "test/helpers/processors.h"
#include "test/helpers/ring_of_sessions.h"
#include "test/helpers/status_checks.h"

// Calls that block, of ranks that outnumber their processors. Over TCP small data are combined on the way of their
// agreement.

namespace tsring {
namespace {

#ifdef __linux__

/// Keeps this thread, and those that it starts, on so many of its processors while it lives, or on all if it has fewer.
class OnProcessors {
 public:
  explicit OnProcessors(size_t count) : before_(processorsOfThisThread()) {
    keepOn({before_.begin(), before_.begin() + static_cast<ptrdiff_t>(std::min(count, before_.size()))});
  }
  ~OnProcessors() { keepOn(before_); }
  OnProcessors(const OnProcessors&) = delete;
  OnProcessors& operator=(const OnProcessors&) = delete;

 private:
  const std::vector<int> before_;
};

template <typename T>
std::vector<T> combinedBy(Session& session, DType dtype, ReduceOp op, const std::vector<T>& values) {
  RequestHeader header = sumOf("x");
  header.dtype = dtype;
  header.op = op;
  const auto outcome = session.run(header, {{static_cast<int64_t>(values.size())}},
                                   {{.input = reinterpret_cast<const std::byte*>(values.data())}});
  EXPECT_TRUE(isOk(outcome.status));
  if (!outcome.status.ok()) return {};
  const auto* data = reinterpret_cast<const T*>(outcome.data.at(0));
  return {data, data + values.size()};
}

TEST(SessionSharingCores, CombinesLargeDataOfRanksThatMayRunOnEachProcessor) {
  constexpr size_t kMany = 100'000;
  const OnProcessors bound(2);
  for (const int ranks : {3, 5}) {
    const RingOfSessions ring(ranks);
    onRanks(ranks, [&](int rank) {
      std::vector<int32_t> values(kMany);
      std::iota(values.begin(), values.end(), rank);
      std::vector<int32_t> sums(kMany);
      for (size_t i = 0; i < kMany; ++i) sums[i] = ranks * static_cast<int32_t>(i) + ranks * (ranks - 1) / 2;
      for (int again = 0; again < 3; ++again) {
        EXPECT_EQ(combinedBy<int32_t>(ring[rank], DType::kInt32, ReduceOp::kSum, values), sums);
      }
    });
  }
}

/// The sum that each rank gets of 1 on rank `one` and half of what 1 can still tell on the others: 1, unless some of
/// these come together first.
void expectSums(const RingOfSessions& ring, int one, size_t count, float expected) {
  onRanks(ring.size(), [&](int rank) {
    const std::vector<float> values(count, rank == one ? 1 : 0x1p-24F);
    EXPECT_EQ(combinedBy<float>(ring[rank], DType::kFloat32, ReduceOp::kSum, values),
              std::vector<float>(count, expected));
  });
}

TEST(SessionSharingCores, CombinesLargeDataInMemoryCoreByCore) {
  const auto processors = processorsOfThisThread();
  if (processors.size() < 2) GTEST_SKIP() << "needs two processors";
  SessionOptions options = testOptions();
  options.transport = Transport::kShm;
  const auto bindTwoToEach = [&](int rank) { keepOn({processors[static_cast<size_t>(rank / 2)]}); };
  const RingOfSessions ring(
      "aaaa", [&](int /*rank*/) { return options; }, bindTwoToEach);
  expectSums(ring, 0, 1000, 1);  // with the agreement, in the order of the ranks
  expectSums(ring, 0, 20'000, 1 + 0x1p-23F);
}

TEST(SessionSharingCores, CombinesLargeDataOfThreeRanksAcrossCores) {
  if (processorsOfThisThread().size() < 2) GTEST_SKIP() << "needs two processors";
  const OnProcessors bound(2);
  const RingOfSessions ring(3);
  expectSums(ring, 1, 1000, 1);
  expectSums(ring, 1, 40'000, 1 + 0x1p-23F);
}

TEST(SessionSharingCores, CombinesSmallDataOfEachKind) {
  constexpr int kRanks = 5;
  constexpr size_t kMany = 20'000;
  const OnProcessors bound(1);
  const RingOfSessions ring(kRanks);
  onRanks(kRanks, [&](int rank) {
    const auto i = static_cast<int32_t>(rank);
    using Ints = std::vector<int32_t>;
    for (int again = 0; again < 3; ++again) {
      EXPECT_EQ(combinedBy<float>(ring[rank], DType::kFloat32, ReduceOp::kAverage, {1.5F * i, 2}),
                (std::vector<float>{3, 2}));
      EXPECT_EQ(combinedBy<int32_t>(ring[rank], DType::kInt32, ReduceOp::kAverage, {i, -i}), (Ints{2, -2}));
      EXPECT_EQ(combinedBy<int32_t>(ring[rank], DType::kInt32, ReduceOp::kProduct, {i + 1}), (Ints{120}));
      EXPECT_EQ(combinedBy<int32_t>(ring[rank], DType::kInt32, ReduceOp::kMin, {i, 7 - i}), (Ints{0, 3}));
      EXPECT_EQ(combinedBy<uint8_t>(ring[rank], DType::kBool, ReduceOp::kMax, {rank == 3, 0}),
                (std::vector<uint8_t>{1, 0}));
      EXPECT_EQ(combinedBy<int32_t>(ring[rank], DType::kInt32, ReduceOp::kSum, {}), Ints{});
      EXPECT_EQ(combinedBy<int32_t>(ring[rank], DType::kInt32, ReduceOp::kSum, Ints(kMany, i)), Ints(kMany, 10));
      const auto own = static_cast<float>(rank);
      float taken = 0;
      const auto take = [&](size_t /*begin*/, std::span<const std::byte> results) {
        std::memcpy(&taken, results.data(), sizeof taken);
      };
      const auto* const input = reinterpret_cast<const std::byte*>(&own);
      EXPECT_TRUE(isOk(ring[rank].run(sumOf("x"), {{}}, {{.input = input, .take = take}}).status));
      EXPECT_EQ(taken, 10);
    }
  });
}

/// What a session's timeline says of what goes on while this lives.
class TimelineOf {
 public:
  explicit TimelineOf(Session& session) : session_(session) {
    std::string folder = (std::filesystem::temp_directory_path() / "tsring-XXXXXX").string();
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    EXPECT_TRUE(isOk(session_.startTimeline(file())));
  }
  ~TimelineOf() {
    session_.stopTimeline();
    std::filesystem::remove_all(folder_);
  }
  TimelineOf(const TimelineOf&) = delete;
  TimelineOf& operator=(const TimelineOf&) = delete;

  /// All of it; it ends.
  std::string text() {
    session_.stopTimeline();
    std::ostringstream out;
    out << std::ifstream(file()).rdbuf();
    return out.str();
  }

 private:
  std::string file() const { return (folder_ / "timeline.json").string(); }

  Session& session_;
  std::filesystem::path folder_;
};

/// By what a sum of `count` float32 of all ranks was carried out, as rank 0's timeline has it.
std::string wayOfSum(const RingOfSessions& ring, size_t count) {
  TimelineOf timeline(ring[0]);
  onRanks(ring.size(), [&](int rank) {
    const std::vector<float> sum =
        combinedBy(ring[rank], DType::kFloat32, ReduceOp::kSum, std::vector<float>(count, 1.0F));
    EXPECT_EQ(sum, std::vector<float>(count, static_cast<float>(ring.size())));
  });
  const std::string text = timeline.text();
  constexpr std::string_view kKey = "\"algorithm\":\"";
  const size_t begin = text.find(kKey);
  if (begin == std::string::npos) return "no algorithm in " + text;
  const size_t end = text.find('"', begin + kKey.size());
  return text.substr(begin + kKey.size(), end - begin - kKey.size());
}

// 80 KB of each of five ranks are more than one message brings everywhere: they travel only where they are combined.
TEST(SessionSharingCores, CombinesSmallDataOnTheWayOfTheAgreement) {
  const OnProcessors bound(1);
  const RingOfSessions ring(5);
  EXPECT_EQ(wayOfSum(ring, 1), "with-agreement");
  EXPECT_EQ(wayOfSum(ring, 20'000), "with-agreement");
  EXPECT_NE(wayOfSum(ring, 100'000), "with-agreement");
}

#endif

}  // namespace
}  // namespace tsring
