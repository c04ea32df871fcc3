#include "engine/request.h"

#include <gtest/gtest.h>

#include <random>

#include "test/helpers/sockets.h"

namespace tsring {
namespace {

Request randomRequest(std::mt19937& random) {
  Request request;
  request.header.kind = static_cast<OperationKind>(random() % kOperationKindCount);
  request.header.dtype = static_cast<DType>(random() % kDTypeCount);
  request.header.op = static_cast<ReduceOp>(random() % kReduceOpCount);
  request.header.rootRank = static_cast<int32_t>(random());
  request.header.prescale = random() % 2 ? 1 : 0.1 * random();
  request.header.postscale = random() % 2 ? 1 : -0.1 * random();
  for (size_t splits = random() % 4; splits > 0; --splits) request.header.splits.push_back(random());
  request.header.name = std::string(random() % 40, 'n');
  for (size_t tensors = random() % 5; tensors > 0; --tensors) {
    Shape shape(random() % 6);
    for (auto& extent : shape) extent = static_cast<int64_t>(random());
    request.shapes.push_back(std::move(shape));
  }
  return request;
}

Bytes encoded(const Request& request) {
  ByteWriter out;
  encode(request, out);
  return out.take();
}

TEST(Request, ComesBackAsItWas) {
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    const Request request = randomRequest(random);
    const Bytes bytes = encoded(request);
    ByteReader in(bytes);
    Request back;
    ASSERT_TRUE(decode(in, back));
    ASSERT_TRUE(in.done());
    ASSERT_EQ(back.header.kind, request.header.kind);
    ASSERT_EQ(back.header.dtype, request.header.dtype);
    ASSERT_EQ(back.header.op, request.header.op);
    ASSERT_EQ(back.header.rootRank, request.header.rootRank);
    ASSERT_EQ(back.header.prescale, request.header.prescale);
    ASSERT_EQ(back.header.postscale, request.header.postscale);
    ASSERT_EQ(back.header.splits, request.header.splits);
    ASSERT_EQ(back.header.name, request.header.name);
    ASSERT_EQ(back.shapes, request.shapes);
  }
}

TEST(Request, CutShortItIsRefused) {
  std::mt19937 random(2);
  for (int i = 0; i < 50; ++i) {
    const Bytes bytes = encoded(randomRequest(random));
    for (size_t length = 0; length < bytes.size(); ++length) {
      ByteReader in{std::span(bytes).first(length)};
      Request back;
      ASSERT_FALSE(decode(in, back)) << length << " of " << bytes.size() << " bytes";
    }
  }
}

// Whatever passes is in range: later code indexes tables with these numbers.
TEST(Request, RandomBytesAreRefusedOrInRange) {
  std::mt19937 random(3);
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    Bytes bytes = i % 2 ? randomBytes(random() % 64, random()) : encoded(randomRequest(random));
    if (i % 2 == 0) bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    ByteReader in(bytes);
    Request request;
    if (!decode(in, request)) continue;
    ++accepted;
    ASSERT_LT(static_cast<int>(request.header.kind), kOperationKindCount);
    ASSERT_LT(static_cast<int>(request.header.dtype), kDTypeCount);
    ASSERT_LT(static_cast<int>(request.header.op), kReduceOpCount);
    for (const int64_t rows : request.header.splits) ASSERT_GE(rows, 0);
    for (const Shape& shape : request.shapes) {
      ASSERT_LE(shape.size(), 32u);
      for (const int64_t extent : shape) ASSERT_GE(extent, 0);
    }
  }
  EXPECT_GT(accepted, 100);
}

TEST(Request, MoreTensorsThanBytesAreRefusedBeforeMemoryIsTakenForThem) {
  ByteWriter out;
  encode(Request{}, out);
  Bytes bytes = out.take();
  std::fill(bytes.end() - 4, bytes.end(), std::byte{0xff});
  ByteReader in(bytes);
  Request request;
  EXPECT_FALSE(decode(in, request));
}

TEST(Request, IsDescribedForPeople) {
  EXPECT_EQ(describe(RequestHeader{OperationKind::kAllgather, "x/y", DType::kBool, {}, 0}), "allgather \"x/y\"");
  EXPECT_EQ(describe(Shape{}), "[]");
  EXPECT_EQ(describe(Shape{3, 4}), "[3,4]");
  EXPECT_EQ(elementCount({}), 1u);
  EXPECT_EQ(elementCount({3, 0}), 0u);
}

}  // namespace
}  // namespace tsring
