#include "base/status.h"

#include <cerrno>
#include <set>

#include "test/helpers/status_checks.h"

namespace tsring {
namespace {

TEST(Status, SuccessHasNoMessageAndTakesNone) {
  EXPECT_TRUE(Status().ok());
  EXPECT_EQ(Status().message(), "");
  EXPECT_TRUE(Status::okay().withPrefix("a").withSuffix("b").ok());
}

TEST(Status, AFailureKeepsItsKindWhenTextIsAdded) {
  const Status status(StatusCode::kTimeout, "late");
  EXPECT_TRUE(
      failsWith(StatusCode::kTimeout, {"rank 1: late; sorry"}, status.withPrefix("rank 1: ").withSuffix("; sorry")));
  EXPECT_EQ(status.message(), "late");
}

TEST(Status, EveryCodeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(kLastStatusCode); ++code) {
    names.insert(codeName(static_cast<StatusCode>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kLastStatusCode) + 1);
}

TEST(Status, ErrorsOfABrokenConnectionMeanALostPeer) {
  for (const int error : {ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH}) {
    EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"send failed: "},
                          statusFromErrno(StatusCode::kInternal, "send failed", error)));
  }
  EXPECT_EQ(statusFromErrno(StatusCode::kInternal, "send failed", EBADF).code(), StatusCode::kInternal);
  // A connection that never came to be has not lost its peer.
  EXPECT_EQ(statusFromErrno(StatusCode::kConnect, "connect", ECONNRESET).code(), StatusCode::kConnect);
}

TEST(Result, HoldsAValueOrTheReasonWhyThereIsNone) {
  const Result<int> good = 3;
  EXPECT_TRUE(good.ok());
  EXPECT_EQ(good.value(), 3);
  const Result<int> bad = Status(StatusCode::kConnect, "no");
  EXPECT_TRUE(failsWith(StatusCode::kConnect, {"no"}, bad.status()));
}

}  // namespace
}  // namespace tsring
