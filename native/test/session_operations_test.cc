#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>

#include "collective/chunk.h"
#include "engine/packing.h"
#include "test/helpers/ring_of_sessions.h"
#include "test/helpers/status_checks.h"

// Operations of sessions beyond those of session_test.cc: both ways, by tickets and as calls that block.

namespace tsring {
namespace {

class OperationsOf : public testing::TestWithParam<std::tuple<const char*, Transport>> {
 protected:
  static std::string hosts() { return std::get<0>(GetParam()); }
  static SessionOptions options() {
    SessionOptions options = testOptions();
    options.transport = std::get<1>(GetParam());
    options.fusionThresholdBytes = 256;  // several buckets
    return options;
  }
};

/// What became of an operation on these floats, asked for with a ticket or by a call that blocks.
Outcome perform(Session& session, bool blocks, const RequestHeader& header,
                const std::vector<std::vector<float>>& values, std::vector<Shape> shapes,
                const std::function<TakeResults(size_t tensor)>& takers = nullptr) {
  std::vector<TensorBuffer> buffers;
  for (const auto& tensor : values) buffers.push_back({.input = reinterpret_cast<const std::byte*>(tensor.data())});
  for (size_t i = 0; takers && i < buffers.size(); ++i) buffers[i].take = takers(i);
  if (blocks) return session.run(header, std::move(shapes), std::move(buffers));
  const auto ticket = session.open(header);
  const Status submitted = session.submit(ticket, std::move(shapes), std::move(buffers));
  const Outcome outcome = submitted.ok() ? ticket->wait(soon()) : Outcome{submitted, {}, {}, nullptr};
  TicketTable::process().close(ticket->id);
  return outcome;
}

std::vector<float> numbers(const Outcome& outcome, size_t tensor) {
  const auto* data = reinterpret_cast<const float*>(outcome.data.at(tensor));
  return {data, data + elementCount(outcome.shapes.at(tensor))};
}

TEST_P(OperationsOf, ScaleBeforeAndAfter) {
  const RingOfSessions ring(hosts(), options());
  const auto size = static_cast<float>(ring.size());
  onRanks(ring.size(), [&](int rank) {
    for (const bool blocks : {false, true}) {
      RequestHeader header = sumOf("x");
      header.prescale = 2;
      header.postscale = 0.5;
      const auto outcome =
          perform(ring[rank], blocks, header, {{1, 3}, {}, std::vector<float>(100, 5)}, {{2}, {0}, {100}});
      ASSERT_TRUE(isOk(outcome.status));
      EXPECT_EQ(numbers(outcome, 0), (std::vector<float>{size, 3 * size}));
      EXPECT_EQ(numbers(outcome, 2), std::vector<float>(100, 5 * size));
    }
  });
}

// Some ranks take their results as they come, others have them in memory.
TEST_P(OperationsOf, HaveTheirResultsTaken) {
  const RingOfSessions ring(hosts(), options());
  const auto size = static_cast<float>(ring.size());
  onRanks(ring.size(), [&](int rank) {
    for (const bool blocks : {false, true}) {
      for (const double postscale : {1.0, 0.5}) {
        RequestHeader header = sumOf("x");
        header.postscale = postscale;
        const std::vector<std::vector<float>> values{{1, 3}, {}, std::vector<float>(100, 5)};
        const std::vector<Shape> shapes{{2}, {0}, {100}};
        if (rank % 2 == 1) {
          ASSERT_TRUE(isOk(perform(ring[rank], blocks, header, values, shapes).status));
          continue;
        }
        std::vector<std::vector<float>> taken{std::vector<float>(2), {}, std::vector<float>(100)};
        const auto takers = [&](size_t tensor) {
          return [&, tensor](size_t begin, std::span<const std::byte> results) {
            copyBytes(reinterpret_cast<std::byte*>(taken[tensor].data()) + begin, results.data(), results.size());
          };
        };
        const auto outcome = perform(ring[rank], blocks, header, values, shapes, takers);
        ASSERT_TRUE(isOk(outcome.status));
        EXPECT_TRUE(outcome.data.empty());
        const float factor = size * static_cast<float>(postscale);
        EXPECT_EQ(taken[0], (std::vector<float>{factor, 3 * factor}));
        EXPECT_EQ(taken[2], std::vector<float>(100, 5 * factor));
      }
    }
  });
}

// Over links it goes in several buckets, the largest tensor in one of its own.
TEST(TakenResults, OfALargeGroupAreThoseOfMemory) {
  SessionOptions options = testOptions();
  options.transport = Transport::kTcp;
  const RingOfSessions ring(3, options);
  const std::vector<Shape> shapes{{300'000}, {500'000}, {1'300'001}, {400'000}};
  onRanks(3, [&](int rank) {
    std::vector<std::vector<float>> values;
    for (const Shape& shape : shapes) {
      auto& tensor = values.emplace_back(elementCount(shape));
      for (size_t i = 0; i < tensor.size(); ++i) tensor[i] = static_cast<float>((i + values.size()) % 1000);
    }
    std::vector<std::vector<float>> results = values;
    const auto takers = [&](size_t tensor) {
      return [&, tensor](size_t begin, std::span<const std::byte> taken) {
        copyBytes(reinterpret_cast<std::byte*>(results[tensor].data()) + begin, taken.data(), taken.size());
      };
    };
    const bool takes = rank > 0;
    const auto outcome = perform(ring[rank], false, sumOf("x"), values, shapes,
                                 takes ? takers : std::function<TakeResults(size_t tensor)>());
    ASSERT_TRUE(isOk(outcome.status));
    for (size_t tensor = 0; tensor < shapes.size(); ++tensor) {
      std::vector<float> expected = values[tensor];
      for (float& value : expected) value *= 3;
      EXPECT_TRUE((takes ? results[tensor] : numbers(outcome, tensor)) == expected)
          << "rank " << rank << ", " << tensor;
    }
  });
}

// So small that it travels with the agreement.
TEST_P(OperationsOf, HaveTheResultOfOneSmallTensorTaken) {
  const RingOfSessions ring(hosts(), options());
  onRanks(ring.size(), [&](int rank) {
    float taken = 0;
    const auto taker = [&](size_t /*tensor*/) {
      return [&](size_t /*begin*/, std::span<const std::byte> results) {
        copyBytes(reinterpret_cast<std::byte*>(&taken), results.data(), results.size());
      };
    };
    ASSERT_TRUE(isOk(perform(ring[rank], true, sumOf("x"), {{2}}, {{}}, taker).status));
    EXPECT_EQ(taken, 2 * static_cast<float>(ring.size()));
  });
}

TEST(TakenResults, AreThoseOfAnAllreduceThatTravelsAsItIs) {
  const RingOfSessions ring(1);
  const auto ignore = [](size_t /*tensor*/) { return [](size_t, std::span<const std::byte>) {}; };
  RequestHeader narrowed = sumOf("x");
  narrowed.payload = DType::kFloat16;
  for (const RequestHeader& header : {narrowed, headerOf(OperationKind::kBroadcast, "x")}) {
    EXPECT_EQ(perform(ring[0], true, header, {{1}}, {{}}, ignore).status.code(), StatusCode::kInvalidArgument);
  }
}

TEST_P(OperationsOf, ReduceAndScatterAGroupByRows) {
  const RingOfSessions ring(hosts(), options());
  const auto size = static_cast<size_t>(ring.size());
  const std::vector<Shape> shapes{{7, 2}, {0, 3}, {1}, {60, 2}, {4}};
  onRanks(ring.size(), [&](int rank) {
    for (const bool blocks : {false, true}) {
      std::vector<std::vector<float>> values;
      for (const Shape& shape : shapes) {
        values.emplace_back();
        for (size_t i = 0; i < elementCount(shape); ++i) values.back().push_back(static_cast<float>(i) + rank);
      }
      RequestHeader header = headerOf(OperationKind::kReducescatter, "rows");
      header.postscale = 2;
      const auto outcome = perform(ring[rank], blocks, header, values, shapes);
      ASSERT_TRUE(isOk(outcome.status));
      for (size_t t = 0; t < shapes.size(); ++t) {
        const Range rows = chunk(static_cast<size_t>(shapes[t][0]), size, static_cast<size_t>(rank));
        const size_t width = elementCount({shapes[t].begin() + 1, shapes[t].end()});
        Shape shape = shapes[t];
        shape[0] = static_cast<int64_t>(rows.size());
        EXPECT_EQ(outcome.shapes[t], shape);
        std::vector<float> expected;
        for (size_t i = rows.begin * width; i < rows.end * width; ++i) {
          expected.push_back(static_cast<float>(2 * size * i + size * (size - 1)));
        }
        EXPECT_EQ(numbers(outcome, t), expected);
      }
    }
  });
}

TEST_P(OperationsOf, GatherAGroupOfRowsThatDifferFromRankToRank) {
  const RingOfSessions ring(hosts(), options());
  const int size = ring.size();
  // Some travel together and some alone; one brings nothing from anyone, one a scalar, one nothing from rank 0.
  const auto shapeOf = [](int tensor, int rank) {
    const std::vector<Shape> shapes{{rank + 1, 2}, {0, 3}, {}, {100}, {rank}, {3}, {2, 2}};
    return shapes[static_cast<size_t>(tensor)];
  };
  const auto valuesOf = [&](int tensor, int rank) {
    std::vector<float> values;
    for (size_t i = 0; i < elementCount(shapeOf(tensor, rank)); ++i)
      values.push_back(static_cast<float>(i) + 1000.0F * static_cast<float>(rank) + 100'000.0F * tensor);
    return values;
  };
  onRanks(size, [&](int rank) {
    for (const bool blocks : {false, true}) {
      std::vector<std::vector<float>> values;
      std::vector<Shape> shapes;
      for (int tensor = 0; tensor < 7; ++tensor) {
        values.push_back(valuesOf(tensor, rank));
        shapes.push_back(shapeOf(tensor, rank));
      }
      const auto outcome =
          perform(ring[rank], blocks, headerOf(OperationKind::kAllgather, "group"), values, std::move(shapes));
      ASSERT_TRUE(isOk(outcome.status));
      for (int tensor = 0; tensor < 7; ++tensor) {
        std::vector<float> expected;
        for (int from = 0; from < size; ++from) std::ranges::copy(valuesOf(tensor, from), std::back_inserter(expected));
        EXPECT_EQ(numbers(outcome, static_cast<size_t>(tensor)), expected);
      }
      EXPECT_EQ(outcome.shapes[2], Shape{size});
    }
  });
}

TEST_P(OperationsOf, ExchangeRowsBySplits) {
  const RingOfSessions ring(hosts(), options());
  const int size = ring.size();
  onRanks(size, [&](int rank) {
    for (const bool even : {false, true}) {
      for (const bool blocks : {false, true}) {
        // To rank j rank i has i + j rows, or 2: each two numbers that tell i and j.
        const auto rowsFor = [&](int from, int to) { return even ? 2 : from + to; };
        RequestHeader header = headerOf(OperationKind::kAlltoall, "rows");
        std::vector<float> given, expected;
        std::vector<int64_t> received;
        for (int other = 0; other < size; ++other) {
          header.splits.push_back(rowsFor(rank, other));
          received.push_back(rowsFor(other, rank));
          for (int i = 0; i < 2 * rowsFor(rank, other); ++i) given.push_back(static_cast<float>(10 * rank + other));
          for (int i = 0; i < 2 * rowsFor(other, rank); ++i) expected.push_back(static_cast<float>(10 * other + rank));
        }
        const auto rows = static_cast<int64_t>(given.size() / 2);
        const auto outcome = perform(ring[rank], blocks, header, {given}, {{rows, 2}});
        ASSERT_TRUE(isOk(outcome.status));
        EXPECT_EQ(numbers(outcome, 0), expected);
        EXPECT_EQ(outcome.splits, received);
      }
    }
  });
}

TEST_P(OperationsOf, AddUpByAdasumTensorByTensor) {
  const RingOfSessions ring(hosts(), options());
  onRanks(ring.size(), [&](int rank) {
    for (const bool blocks : {false, true}) {
      RequestHeader header = sumOf("x");
      header.op = ReduceOp::kAdasum;
      // Of equal gradients it is one of them; of gradients at right angles it is their sum.
      std::vector<float> across(static_cast<size_t>(ring.size()), 0);
      across[static_cast<size_t>(rank)] = 3;
      const auto count = static_cast<int64_t>(ring.size());
      const auto outcome = perform(ring[rank], blocks, header, {{2, 4}, across}, {{2}, {count}});
      ASSERT_TRUE(isOk(outcome.status));
      EXPECT_EQ(numbers(outcome, 0), (std::vector<float>{2, 4}));
      EXPECT_EQ(numbers(outcome, 1), std::vector<float>(static_cast<size_t>(ring.size()), 3));
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Rings, OperationsOf,
                         testing::Values(std::tuple("a", Transport::kTcp), std::tuple("aa", Transport::kShm),
                                         std::tuple("aaa", Transport::kShm), std::tuple("aaa", Transport::kTcp),
                                         std::tuple("aabb", Transport::kShm), std::tuple("aaaaa", Transport::kTcp)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + transportName(std::get<1>(info.param));
                         });

TEST(Operations, WhatRanksMeanDifferentlyIsAMismatch) {
  const RingOfSessions ring(2);
  onRanks(2, [&](int rank) {
    RequestHeader scaled = sumOf("scaled");
    scaled.prescale = rank + 1;
    EXPECT_EQ(perform(ring[rank], false, scaled, {{1}}, {{1}}).status.code(), StatusCode::kMismatch);
    RequestHeader exchange = headerOf(OperationKind::kAlltoall, "width");
    exchange.splits = {1, 0};
    const int64_t width = rank + 1;
    EXPECT_EQ(perform(ring[rank], false, exchange, {std::vector<float>(2)}, {{1, width}}).status.code(),
              StatusCode::kMismatch);
  });
}

TEST(Operations, WrongOnesAreRefused) {
  const RingOfSessions ring(1);
  const auto refused = [&](RequestHeader header, const Shape& shape) {
    const Status s = perform(ring[0], false, header, {std::vector<float>(8)}, {shape}).status;
    EXPECT_EQ(s.code(), StatusCode::kInvalidArgument) << s.message();
  };
  RequestHeader exchange = headerOf(OperationKind::kAlltoall, "x");
  refused(exchange, {4});  // no splits
  for (const std::vector<int64_t>& splits : {std::vector<int64_t>{3}, {5}, {-1}, {4, 0}}) {
    exchange.splits = splits;
    refused(exchange, {4});
  }
  refused(headerOf(OperationKind::kReducescatter, "x"), {});
  RequestHeader reduction = headerOf(OperationKind::kReducescatter, "x");
  reduction.op = ReduceOp::kAdasum;
  refused(reduction, {4});
  reduction = sumOf("x");
  reduction.prescale = std::numeric_limits<double>::infinity();
  refused(reduction, {4});
  reduction = sumOf("x");
  reduction.op = ReduceOp::kAdasum;
  reduction.dtype = DType::kInt32;
  refused(reduction, {4});
}

}  // namespace
}  // namespace tsring
