#include "engine/messages.h"

#include <random>

#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"

namespace tsring {
namespace {

TEST(Messages, AStatusComesBackAsItWas) {
  for (int code = 0; code <= static_cast<int>(kLastStatusCode); ++code) {
    const auto kind = static_cast<StatusCode>(code);
    const Status status = kind == StatusCode::kOk ? Status() : Status(kind, "why");
    ByteWriter out;
    encode(status, out);
    ByteReader in(out.bytes());
    Status back(StatusCode::kInternal, "unset");
    ASSERT_TRUE(decode(in, back));
    EXPECT_TRUE(in.done());
    EXPECT_EQ(back.code(), kind);
    EXPECT_EQ(back.message(), status.message());
  }
}

TEST(Messages, OfALongMessageTheBeginningIsSent) {
  ByteWriter out;
  encode(Status(StatusCode::kInternal, std::string(32 << 20, 'x')), out);
  ByteReader in(out.bytes());
  Status status;
  ASSERT_TRUE(decode(in, status));
  EXPECT_EQ(status.message().size(), kMaxMessageBytes);
}

TEST(Messages, AStatusOfAnUnknownKindIsRefused) {
  const Bytes bytes = ByteWriter().put(uint8_t{200}).putString("?").take();
  ByteReader in(bytes);
  Status status;
  EXPECT_FALSE(decode(in, status));
}

Verdict gatherVerdict() {
  return {"rows", {}, {{{2, 3}, {}}, {{0, 3}, {}}, {{7, 3}, {}}}};
}

Verdict verdictByHost() {
  Verdict verdict{"z", {}, {}};
  verdict.hostRank = 2;
  return verdict;
}

TEST(Messages, AVerdictComesBackAsItWas) {
  for (const Verdict& verdict : {gatherVerdict(), Verdict{"x", Status(StatusCode::kMismatch, "differ"), {}},
                                 Verdict{"y", {}, {{{3}}, {{1}}}, {{1, 2}, {0, 1}}}, verdictByHost()}) {
    ByteWriter out;
    encode(verdict, out);
    ByteReader in(out.bytes());
    Verdict back;
    ASSERT_TRUE(decode(in, back));
    EXPECT_EQ(back.name, verdict.name);
    EXPECT_EQ(back.status.code(), verdict.status.code());
    EXPECT_EQ(back.status.message(), verdict.status.message());
    EXPECT_EQ(back.shapes, verdict.shapes);
    EXPECT_EQ(back.splits, verdict.splits);
    EXPECT_EQ(back.hostRank, verdict.hostRank);
  }
}

TEST(Messages, ADamagedVerdictIsRefusedOrInRange) {
  ByteWriter out;
  encode(gatherVerdict(), out);
  std::mt19937 random(1);
  for (size_t i = 0; i < 20'000; ++i) {
    Bytes bytes = i % 3 ? out.bytes() : randomBytes(random() % 80, random());
    if (i % 3 == 1) bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    if (i % 3 == 2) bytes.resize(random() % bytes.size());
    ByteReader in(bytes);
    Verdict verdict;
    if (!decode(in, verdict)) continue;
    ASSERT_NE(i % 3, 2u) << "a verdict cut short";
    ASSERT_LE(verdict.status.code(), kLastStatusCode);
    for (const auto& shapes : verdict.shapes) {
      for (const Shape& shape : shapes) {
        for (const int64_t extent : shape) ASSERT_GE(extent, 0);
      }
    }
  }
}

}  // namespace
}  // namespace tsring
