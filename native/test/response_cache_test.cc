#include "engine/response_cache.h"

#include <deque>
#include <random>

#include "engine/announcer.h"
#include "engine/known_requests.h"
#include "test/helpers/ring_of_sessions.h"
#include "test/helpers/status_checks.h"

namespace tsring {
namespace {

Request requestOf(OperationKind kind, std::string name, int64_t rows) {
  return {headerOf(kind, std::move(name)), {{rows, 3}}};
}

const auto nothingIsAwaited = [](const std::string& /*name*/) { return false; };

/// Keeps what two ranks have asked for alike.
ResponseCache::Kept keep(ResponseCache& cache, const std::string& name, int64_t rows = 1) {
  const Request request = requestOf(OperationKind::kAllreduce, name, rows);
  return cache.keep({name, {}, {}}, {request, request}, nothingIsAwaited);
}

TEST(ResponseCache, ForgetsWhatWasNotUsedForTheLongestTime) {
  ResponseCache cache(2);
  const uint32_t a = keep(cache, "a").number;
  const uint32_t b = keep(cache, "b").number;
  EXPECT_EQ(cache.use(a).name, "a");
  EXPECT_EQ(keep(cache, "c").forgotten, b);
  EXPECT_EQ(cache.requestOf(0, b), nullptr);
  EXPECT_TRUE(cache.issued(b));
  EXPECT_NE(cache.requestOf(0, a), nullptr);
  EXPECT_EQ(cache.size(), 2U);
}

TEST(ResponseCache, KnowsARequestByAllThatIsSentOfIt) {
  ResponseCache cache(8);
  const uint32_t number = keep(cache, "a").number;
  Request request = requestOf(OperationKind::kAllreduce, "a", 1);
  EXPECT_EQ(cache.numberOf(1, request), number);
  request.header.op = ReduceOp::kMax;
  EXPECT_EQ(cache.numberOf(1, request), 0U);
  EXPECT_EQ(cache.numberOf(1, requestOf(OperationKind::kAllreduce, "a", 2)), 0U);
  const uint32_t wider = keep(cache, "a", 2).number;  // in place of the other
  EXPECT_NE(wider, number);
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(cache.requestOf(0, number), nullptr);
}

TEST(ResponseCache, DoesNotForgetWhatIsAwaited) {
  ResponseCache cache(1);
  const uint32_t a = keep(cache, "a").number;
  const Request request = requestOf(OperationKind::kAllreduce, "b", 1);
  const auto kept = cache.keep({"b", {}, {}}, {request, request}, [](const std::string& name) { return name == "a"; });
  EXPECT_EQ(kept.number, 0U);
  EXPECT_NE(cache.requestOf(0, a), nullptr);
}

TEST(ResponseCache, OfCapacityZeroKeepsNothing) {
  ResponseCache cache(0);
  EXPECT_EQ(keep(cache, "a").number, 0U);
  EXPECT_EQ(cache.size(), 0U);
}

/// Ranks and their links, without threads: every frame is delivered when chance says so.
class Exchange {
 public:
  Exchange(unsigned seed, size_t capacity)
      : random_(seed),
        size_(2 + random_() % 4),
        negotiator_(static_cast<int>(size_)),
        announcer_(capacity, 1 << 20,
                   {[this](FrameType type, const Bytes& payload) {
                      for (size_t rank = 1; rank < size_; ++rank) down_[rank].push_back({type, payload});
                    },
                    [this](const Verdict& verdict) {
                      underWay_ += verdict.status.ok();
                      heard(0, verdict);
                    },
                    [this](const std::string& name) { return negotiator_.holds(name); }, [this] { return underWay_; }}),
        capacity_(capacity) {}

  void run() {
    while (!done()) {
      const size_t rank = random_() % size_;
      switch (random_() % 5) {
        case 0:
          ask(rank);
          break;
        case 1:
          if (!up_[rank].empty()) receiveAtRank0(rank);
          break;
        case 2:
          if (!down_[rank].empty()) receiveFromRank0(rank);
          break;
        case 3:
          if (underWay_ > 0) --underWay_;
          break;
        default:
          announcer_.release();
      }
      ASSERT_LE(announcer_.cache().size(), capacity_);
    }
    EXPECT_TRUE(negotiator_.empty());
    for (size_t rank = 1; rank < size_; ++rank) {
      EXPECT_EQ(order_[rank], order_[0]);
      EXPECT_EQ(known_[rank].size(), announcer_.cache().size());
    }
  }
  size_t askedByNumber() const { return askedByNumber_; }

 private:
  static constexpr size_t kNames = 6;
  static constexpr size_t kMostRanks = 5;
  static constexpr size_t kRounds = 30;
  struct Frame {
    FrameType type;
    Bytes payload;
  };

  // What the ranks do in a round of a name: mostly what they did before, sometimes another shape, now and then not
  // alike.
  size_t variantOf(size_t name, size_t round) const { return (round + name) / 7; }
  bool differ(size_t name, size_t round) const { return (round * 5 + name) % 23 == 22; }
  Request requestOf(size_t name, size_t round, size_t rank) const {
    const bool gathers = name % 2 == 1;
    const size_t rows = variantOf(name, round) + (gathers ? rank : 0);
    const auto kind = gathers ? OperationKind::kAllgather : OperationKind::kAllreduce;
    Request request =
        tsring::requestOf(kind, std::string(1, static_cast<char>('a' + name)), static_cast<int64_t>(rows));
    if (differ(name, round) && rank == size_ - 1) request.header.dtype = DType::kInt32;
    request.header.priority = static_cast<int32_t>((name + round) % 4) - 1;
    return request;
  }

  bool done() const {
    for (size_t rank = 0; rank < size_; ++rank) {
      if (order_[rank].size() < kNames * kRounds || !up_[rank].empty() || !down_[rank].empty()) return false;
    }
    return true;
  }

  void ask(size_t rank) {
    const size_t name = random_() % kNames;
    if (asking_[rank][name] || round_[rank][name] == kRounds) return;
    asking_[rank][name] = true;
    Request request = requestOf(name, round_[rank][name], rank);
    if (rank == 0) return add(0, request, announcer_.cache().numberOf(0, request));
    const uint32_t number = known_[rank].numberOf(request);
    send(rank, request, number);
    known_[rank].asked(std::move(request));
  }

  void send(size_t rank, const Request& request, uint32_t number) {
    ByteWriter out;
    if (number != 0) {
      ++askedByNumber_;
      encode(std::vector{number}, out);
    } else {
      encode(request, out);
    }
    up_[rank].push_back({number != 0 ? FrameType::kKnownReady : FrameType::kReady, out.take()});
  }

  void add(size_t rank, Request request, uint32_t number) {
    auto verdict = negotiator_.add(static_cast<int>(rank), std::move(request), Clock::time_point(), number);
    if (verdict) announcer_.add(*std::move(verdict));
  }

  void receiveAtRank0(size_t rank) {
    const Frame frame = std::move(up_[rank].front());
    up_[rank].pop_front();
    ByteReader in(frame.payload);
    if (frame.type == FrameType::kReady) {
      Request request;
      ASSERT_TRUE(decode(in, request));
      return add(rank, std::move(request), 0);
    }
    std::vector<uint32_t> numbers;
    ASSERT_TRUE(decode(in, numbers));
    ASSERT_TRUE(announcer_.cache().issued(numbers.front()));
    const Request* request = announcer_.cache().requestOf(static_cast<int>(rank), numbers.front());
    if (request) add(rank, *request, numbers.front());
  }

  void receiveFromRank0(size_t rank) {
    const Frame frame = std::move(down_[rank].front());
    down_[rank].pop_front();
    ByteReader in(frame.payload);
    if (frame.type == FrameType::kVerdict) {
      Verdict verdict;
      ASSERT_TRUE(decode(in, verdict));
      if (const auto crossed = known_[rank].heard(verdict)) send(rank, *crossed, 0);
      return heard(rank, verdict);
    }
    std::vector<uint32_t> numbers;
    ASSERT_TRUE(decode(in, numbers));
    for (const uint32_t number : numbers) {
      const auto verdict = known_[rank].heard(number);
      ASSERT_TRUE(verdict);
      heard(rank, *verdict);
    }
  }

  void heard(size_t rank, const Verdict& verdict) {
    const auto name = static_cast<size_t>(verdict.name.front() - 'a');
    ASSERT_TRUE(asking_[rank][name]);
    const size_t round = round_[rank][name]++;
    asking_[rank][name] = false;
    order_[rank].push_back(name);
    ASSERT_EQ(verdict.status.ok(), !differ(name, round));
    if (!verdict.status.ok() || name % 2 == 0) return;
    std::vector<std::vector<Shape>> shapes;
    for (size_t other = 0; other < size_; ++other) shapes.push_back(requestOf(name, round, other).shapes);
    ASSERT_EQ(verdict.shapes, shapes);
  }

  std::mt19937 random_;
  const size_t size_;
  Negotiator negotiator_;
  Announcer announcer_;
  const size_t capacity_;
  std::array<KnownRequests, kMostRanks> known_;
  std::array<std::deque<Frame>, kMostRanks> up_;
  std::array<std::deque<Frame>, kMostRanks> down_;
  std::array<std::array<bool, kNames>, kMostRanks> asking_{};
  std::array<std::array<size_t, kNames>, kMostRanks> round_{};
  std::array<std::vector<size_t>, kMostRanks> order_;
  size_t askedByNumber_ = 0;
  size_t underWay_ = 0;
};

TEST(ResponseCache, LeavesEveryVerdictAsItIsWhateverCrossesOnItsWay) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    for (const size_t capacity : {0U, 1U, 2U, 4U, 100U}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", capacity " + std::to_string(capacity));
      Exchange exchange(seed, capacity);
      exchange.run();
      if (testing::Test::HasFatalFailure()) return;
      EXPECT_TRUE(capacity > 0 || exchange.askedByNumber() == 0);
      EXPECT_TRUE(capacity < 100 || exchange.askedByNumber() > 50);
    }
  }
}

class CachedRing : public testing::TestWithParam<size_t> {};

// Tensors keep their names for some steps, then change their shapes; some ranks wait in a join at the end.
TEST_P(CachedRing, ReducesAsWithoutIt) {
  constexpr int kRanks = 3;
  constexpr int kTensors = 9;
  SessionOptions options = testOptions();
  options.cacheCapacity = GetParam();
  const RingOfSessions ring(kRanks, options);
  onRanks(kRanks, [&](int rank) {
    for (int step = 0; step < 12; ++step) {
      std::vector<Running> running;
      for (int i = 0; i < kTensors; ++i) {
        const int tensor = (i + rank * 4) % kTensors;  // in an order of each rank's own
        const std::vector<float> values(static_cast<size_t>(1 + step / 4), static_cast<float>(rank + tensor));
        running.push_back(startSum(ring[rank], std::to_string(tensor), values));
      }
      for (int i = 0; i < kTensors; ++i) {
        ASSERT_TRUE(isOk(running[static_cast<size_t>(i)].wait()));
        const auto sum = static_cast<float>(3 * ((i + rank * 4) % kTensors) + 3);
        ASSERT_EQ(running[static_cast<size_t>(i)].numbers(),
                  std::vector<float>(static_cast<size_t>(1 + step / 4), sum));
      }
    }
    if (rank != 0) {
      auto known = startSum(ring[rank], "1", {1, 1, 1});  // by its number, and rank 0 stands in
      ASSERT_TRUE(isOk(known.wait()));
      EXPECT_EQ(known.numbers(), (std::vector<float>{2, 2, 2}));
      const std::vector<float> unlike(rank == 1 ? 3 : 4, 1);
      auto mismatch = startSum(ring[rank], "2", unlike);
      EXPECT_TRUE(failsWith(StatusCode::kMismatch, {"rank 1", "rank 2"}, mismatch.wait()));
    }
    Running join(ring[rank], headerOf(OperationKind::kJoin, "join"), {});
    EXPECT_TRUE(isOk(join.wait()));
  });
}

INSTANTIATE_TEST_SUITE_P(OfCapacity, CachedRing, testing::Values(0, 1, 4, 1024),
                         [](const auto& info) { return std::to_string(info.param); });

}  // namespace
}  // namespace tsring
