#include "collective/strips.h"

#include <random>

#include "collective/host_collectives.h"
#include "kernel/stream_copy.h"
#include "test/helpers/elements.h"
#include "test/helpers/host_groups.h"

namespace tsring {
namespace {

enum class ResultsGo { kApart, kInPlace, kToTaker };

/// Tensors with room between them, with their results in the same places or others, or taken.
class Apart {
 public:
  /// @param data - cut into tensors, at multiples of `alignment`; `room` is lost after each
  Apart(std::span<const std::byte> data, size_t alignment, size_t room, ResultsGo go, unsigned seed)
      : bytes_(data.size()) {
    std::mt19937 random(seed);
    for (size_t at = 0; at < data.size();) {
      const size_t left = data.size() - at;
      const size_t whole = std::min(left, alignment * (1 + random() % 700));
      const size_t bytes = whole > room ? whole - room : whole;
      inputs_.emplace_back(data.begin() + static_cast<ptrdiff_t>(at),
                           data.begin() + static_cast<ptrdiff_t>(at + bytes));
      outputs_.emplace_back(go == ResultsGo::kInPlace ? 0 : bytes);
      offsets_.push_back(at);
      at += whole;
    }
    for (size_t i = 0; i < inputs_.size(); ++i) {
      std::byte* const output = go == ResultsGo::kInPlace ? inputs_[i].data() : outputs_[i].data();
      results_.push_back(output);
      takers_.emplace_back([this, output](size_t begin, std::span<const std::byte> results) {
        std::ranges::copy(results, output + begin);
        taken_ += results.size();
      });
    }
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const bool taken = go == ResultsGo::kToTaker;
      strips_.push_back({offsets_[i], inputs_[i].size(), inputs_[i].data(), taken ? nullptr : results_[i],
                         taken ? &takers_[i] : nullptr});
    }
  }
  Apart(const Apart&) = delete;
  Apart& operator=(const Apart&) = delete;

  Strips strips() const { return {strips_, bytes_}; }

  /// Between tensors there is nothing to expect.
  void expectResults(std::span<const std::byte> expected) const {
    size_t bytes = 0;
    for (size_t i = 0; i < strips_.size(); ++i) {
      expectSame({results_[i], strips_[i].bytes}, expected, strips_[i]);
      bytes += strips_[i].bytes;
    }
    EXPECT_EQ(taken_, strips_.front().take ? bytes : 0) << "bytes are taken, each once";
  }
  void expectResultsEndToEnd(std::span<const std::byte> data, std::span<const std::byte> expected) const {
    for (const Strip& strip : strips_) expectSame(data.subspan(strip.offset, strip.bytes), expected, strip);
  }

 private:
  static void expectSame(std::span<const std::byte> results, std::span<const std::byte> expected, const Strip& strip) {
    EXPECT_TRUE(std::ranges::equal(results, expected.subspan(strip.offset, strip.bytes))) << "at " << strip.offset;
  }

  size_t bytes_;
  std::vector<Bytes> inputs_;
  std::vector<Bytes> outputs_;
  std::vector<size_t> offsets_;
  std::vector<std::byte*> results_;
  std::vector<TakeResults> takers_;
  size_t taken_ = 0;
  std::vector<Strip> strips_;
};

class StripsOf : public testing::TestWithParam<int> {};

// The last member has its tensors end to end, with the same room between them.
TEST_P(StripsOf, AreReducedToTheSameBitsAsTensorsEndToEnd) {
  const auto groups = hostGroups(GetParam(), kSmallSlots);
  for (const DType dtype : {DType::kFloat32, DType::kFloat64, DType::kBfloat16, DType::kUint8}) {
    for (const size_t count : {1, 1010, 20'011}) {
      std::vector<Bytes> input;
      for (unsigned member = 0; member < groups.size(); ++member) input.push_back(smallElements(dtype, count, member));
      const Bytes expected = combineAll(dtype, ReduceOp::kSum, input);
      for (const HostWay way : {HostWay::kEveryone, HostWay::kParts}) {
        onRanks(GetParam(), [&](int rank) {
          const auto at = static_cast<size_t>(rank);
          const size_t element = elementSize(dtype);
          const auto go = static_cast<ResultsGo>((at + count) % 3);
          const Apart tensors(input[at], element, count % 2 * element, go, static_cast<unsigned>(count));
          if (at + 1 < groups.size()) {
            ASSERT_TRUE(isOk(hostAllreduce(*groups[at], way, tensors.strips(), dtype, ReduceOp::kSum, kStallLimit)));
            tensors.expectResults(expected);
          } else {
            Bytes data = input[at];
            ASSERT_TRUE(isOk(hostAllreduce(*groups[at], way, data, dtype, ReduceOp::kSum, kStallLimit)));
            tensors.expectResultsEndToEnd(data, expected);
          }
        });
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Members, StripsOf, testing::Values(2, 3, 5));

// So large that results are written past the caches, to where no line of these begins.
TEST(Strips, LargeOnesAreReducedAsWell) {
  constexpr size_t kBytes = (32 << 20) + 12;
  const auto groups = hostGroups(2, {.slotBytes = 512 << 10, .offerBytes = 16 << 10});
  onRanks(2, [&](int rank) {
    const Bytes data(kBytes, static_cast<std::byte>(rank + 1));
    Bytes result(kBytes + 2);
    const Strip whole{0, kBytes, data.data(), result.data() + 1};
    ASSERT_TRUE(isOk(hostAllreduce(*groups[static_cast<size_t>(rank)], HostWay::kParts, Strips({&whole, 1}, kBytes),
                                   DType::kUint8, ReduceOp::kSum, kStallLimit)));
    Bytes expected(kBytes + 2, std::byte{3});
    expected.front() = expected.back() = std::byte{0};
    EXPECT_TRUE(result == expected);
  });
}

TEST(Strips, WithinGivesPartsOfStripsAndNothingBetween) {
  std::byte in[40];
  std::byte out[40];
  const Strip all[] = {{0, 10, in, out}, {16, 8, in + 10, out + 10}, {24, 16, in + 18, out + 18}};
  const Strips strips(all, 40);
  const auto within = [&](size_t begin, size_t bytes) {
    std::vector<std::vector<ptrdiff_t>> found;
    strips.within(begin, bytes, [&](const Strip& strip) {
      found.push_back({static_cast<ptrdiff_t>(strip.offset), static_cast<ptrdiff_t>(strip.bytes), strip.input - in,
                       strip.output - out});
    });
    return found;
  };
  using Found = std::vector<std::vector<ptrdiff_t>>;
  EXPECT_EQ(within(0, 40), (Found{{0, 10, 0, 0}, {16, 8, 10, 10}, {24, 16, 18, 18}}));
  EXPECT_EQ(within(10, 6), Found{});
  EXPECT_EQ(within(4, 14), (Found{{4, 6, 4, 4}, {16, 2, 10, 10}}));
  EXPECT_EQ(within(20, 8), (Found{{20, 4, 14, 14}, {24, 4, 18, 18}}));
  EXPECT_EQ(within(20, 0), Found{});
}

TEST(Strips, LieApartWhereNoneWritesWhatAnotherHas) {
  std::byte memory[64];
  const auto lie = [&](std::vector<Strip> strips) { return lieApart(strips); };
  EXPECT_TRUE(lie({}));
  EXPECT_TRUE(lie({{0, 8, memory, memory}}));
  EXPECT_TRUE(lie({{0, 8, memory, memory}, {8, 8, memory + 8, memory + 8}}));
  EXPECT_TRUE(lie({{0, 8, memory + 8, memory}, {8, 8, memory + 24, memory + 16}}));
  EXPECT_FALSE(lie({{0, 8, memory, memory}, {8, 8, memory, memory}}));
  EXPECT_FALSE(lie({{0, 8, memory, memory + 32}, {8, 8, memory + 32, memory + 48}}));
  EXPECT_FALSE(lie({{0, 8, memory, memory + 32}, {8, 8, memory + 16, memory + 39}}));
}

TEST(StreamCopy, CopiesAnyLengthFromAndToAnyAddressAndNothingBeside) {
  const Bytes from = randomBytes(400, 1);
  for (const size_t bytes : {0, 1, 15, 63, 64, 65, 127, 128, 200, 300}) {
    for (const size_t at : {0, 1, 4, 16, 60, 64}) {
      Bytes to(400, std::byte{7});
      streamCopy(to.data() + at, from.data() + (at + 5) % 64, bytes);
      endStreams();
      Bytes expected(400, std::byte{7});
      std::copy_n(from.begin() + static_cast<ptrdiff_t>((at + 5) % 64), bytes,
                  expected.begin() + static_cast<ptrdiff_t>(at));
      ASSERT_TRUE(to == expected) << bytes << " bytes at " << at;
    }
  }
}

}  // namespace
}  // namespace tsring
