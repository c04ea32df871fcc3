#include "engine/session.h"
#include "test/helpers/ring_of_sessions.h"
#include "test/helpers/status_checks.h"

// The engine over encrypted links: every thread that uses one, and data from a few bytes to many records.

namespace tsring {
namespace {

SessionOptions encrypted() {
  SessionOptions options = testOptions();
  options.encrypt = true;
  return options;
}

TEST(EncryptedSessions, SumSmallAndLargeOnBothWays) {
  const RingOfSessions ring(3, encrypted());
  onRanks(ring.size(), [&](int rank) {
    for (const size_t count : {1, 1000, 300'001}) {
      const std::vector<float> values(count, static_cast<float>(rank));
      const std::string name = std::to_string(count);
      Outcome blocking = ring[rank].run(sumOf("blocking " + name), {{static_cast<int64_t>(count)}},
                                        {{reinterpret_cast<const std::byte*>(values.data()), nullptr}});
      ASSERT_TRUE(isOk(blocking.status));
      const auto* sums = reinterpret_cast<const float*>(blocking.data.at(0));
      EXPECT_EQ(std::vector<float>(sums, sums + count), std::vector<float>(count, 3));
      auto running = startSum(ring[rank], name, values);
      ASSERT_TRUE(isOk(running.wait()));
      EXPECT_EQ(running.numbers(), std::vector<float>(count, 3));
    }
  });
}

}  // namespace
}  // namespace tsring
