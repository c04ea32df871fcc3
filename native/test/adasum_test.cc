#include "collective/adasum.h"

#include <bit>
#include <cmath>
#include <random>

#include "test/helpers/elements.h"
#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"
#include "transport/memory/memory_network.h"

namespace tsring {
namespace {

using Vector = std::vector<double>;

/// The definition, in float64.
Vector plainAdasum(const Vector& a, const Vector& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  const double ofA = aa > 0 ? 1 - ab / (2 * aa) : 1;
  const double ofB = bb > 0 ? 1 - ab / (2 * bb) : 1;
  Vector sum;
  for (size_t i = 0; i < a.size(); ++i) sum.push_back(ofA * a[i] + ofB * b[i]);
  return sum;
}

/// In the documented order: first the pairs that are too many, then neighbours, then neighbours of these.
Vector plainAdasum(std::vector<Vector> ranks) {
  const size_t pairs = ranks.size() - std::bit_floor(ranks.size());
  std::vector<Vector> seats;
  for (size_t i = 0; i < ranks.size(); ++i) {
    if (i < 2 * pairs) {
      seats.push_back(plainAdasum(ranks[i], ranks[i + 1]));
      ++i;
    } else {
      seats.push_back(ranks[i]);
    }
  }
  while (seats.size() > 1) {
    std::vector<Vector> halved;
    for (size_t i = 0; i < seats.size(); i += 2) halved.push_back(plainAdasum(seats[i], seats[i + 1]));
    seats = std::move(halved);
  }
  return seats.front();
}

double tolerance(DType dtype) {
  if (dtype == DType::kFloat64) return 1e-12;
  if (dtype == DType::kFloat32) return 2e-5;
  return dtype == DType::kFloat16 ? 2e-2 : 2e-1;
}

class AdasumOf : public testing::TestWithParam<int> {};

TEST_P(AdasumOf, IsWhatTheDefinitionGivesForEachTensorOfAGroup) {
  const int size = GetParam();
  for (const DType dtype : {DType::kFloat16, DType::kBfloat16, DType::kFloat32, DType::kFloat64}) {
    // Between tensors lies what fusion leaves there.
    const std::vector<Range> tensors{{0, 1}, {16, 16}, {16, 100}, {112, 1500}, {1504, 1507}};
    const size_t elements = 1536;
    std::vector<Bytes> byRank;
    std::vector<std::vector<Vector>> values(tensors.size());
    for (int rank = 0; rank < size; ++rank) {
      std::mt19937 random(static_cast<unsigned>(rank));
      std::normal_distribution<double> normal(0.3, 1);
      Bytes bytes(elements * elementSize(dtype));
      withType(dtype, [&](auto zero) {
        using T = decltype(zero);
        for (size_t t = 0; t < tensors.size(); ++t) {
          Vector given;
          for (size_t i = tensors[t].begin; i < tensors[t].end; ++i) {
            const T value(static_cast<std::conditional_t<sizeof(T) == 2, float, T>>(t == 4 ? 0 : normal(random)));
            std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
            given.push_back(static_cast<double>(value));
          }
          values[t].push_back(std::move(given));
        }
      });
      byRank.push_back(std::move(bytes));
    }
    MemoryNetwork network(size, 4096);
    network.disturbAll({.mostBytesPerCall = 900});
    std::vector<std::unique_ptr<Mesh>> meshes;
    for (int rank = 0; rank < size; ++rank) meshes.push_back(network.join(rank));
    onRanks(size, [&](int rank) {
      const auto at = static_cast<size_t>(rank);
      RingWorkspace workspace;
      ASSERT_TRUE(isOk(
          adasumAllreduce(*meshes[at], Team::whole(rank, size), byRank[at], dtype, tensors, workspace, kStallLimit)));
    });
    withType(dtype, [&](auto zero) {
      using T = decltype(zero);
      for (size_t t = 0; t < tensors.size(); ++t) {
        const Vector expected = plainAdasum(values[t]);
        for (const Bytes& bytes : byRank) {
          for (size_t i = 0; i < expected.size(); ++i) {
            T value;
            std::memcpy(&value, bytes.data() + (tensors[t].begin + i) * sizeof(T), sizeof(T));
            ASSERT_NEAR(static_cast<double>(value), expected[i], tolerance(dtype) * size)
                << dtypeName(dtype) << ", tensor " << t << ", element " << i;
          }
          const auto bytesOf = [&](const Bytes& all) {
            return std::string_view(reinterpret_cast<const char*>(all.data()) + tensors[t].begin * sizeof(T),
                                    tensors[t].size() * sizeof(T));
          };
          ASSERT_TRUE(bytesOf(bytes) == bytesOf(byRank.front())) << "the same bits on every rank";
        }
      }
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, AdasumOf, testing::Values(1, 2, 3, 4, 5, 6, 7, 8));

TEST(Adasum, AveragesWhatIsParallelAndAddsWhatIsAtRightAngles) {
  EXPECT_EQ(plainAdasum({{1, 2}, {1, 2}}), (Vector{1, 2}));
  EXPECT_EQ(plainAdasum({{3, 0}, {0, 4}}), (Vector{3, 4}));
}

}  // namespace
}  // namespace tsring
