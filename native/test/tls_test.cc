#include "transport/tcp/tls.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <future>
#include <numeric>
#include <tuple>

#include "test/helpers/relay.h"
#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"

namespace tsring {
namespace {

/// Bytes that would be found again in what was overheard.
Bytes pattern(size_t count) {
  Bytes bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>("gradients"[i % 9]);
  return bytes;
}

bool contains(const Bytes& bytes, const Bytes& part) {
  return std::ranges::search(bytes, part).begin() != bytes.end();
}

/// Sends `bytes` from the caller to the called side, and says what the receiver came to.
Status carry(Relay& relay, const Bytes& bytes) {
  auto sending = std::async(std::launch::async, [&] { return relay.caller.sendAll(bytes, soon()); });
  Bytes got(bytes.size());
  const Status received = relay.called.receiveAll(got, soon());
  if (!received.ok()) relay.overheard();  // and the sender's wait ends
  std::ignore = sending.get();
  EXPECT_TRUE(!received.ok() || got == bytes);
  return received;
}

TEST(Tls, ShowsNothingToWhoReadsAlong) {
  const Bytes secret = pattern(200'000);
  const Bytes piece(secret.begin(), secret.begin() + 18);
  Relay open;
  ASSERT_TRUE(isOk(carry(open, secret)));
  EXPECT_TRUE(contains(open.overheard(), piece));  // or this test would see nothing anyway

  Relay closed;
  encrypt(closed.caller, closed.called, testJob());
  ASSERT_TRUE(isOk(carry(closed, secret)));
  EXPECT_GT(closed.overheard().size(), secret.size());
  EXPECT_FALSE(contains(closed.overheard(), piece));
}

TEST(Tls, CarriesManyBytesInOrderBothWaysAtOnce) {
  expectBytesBothWays(encryptedPair());
}

TEST(Tls, TakesRecordsThatComeInPieces) {
  Relay relay({.mostBytesPerWrite = 7});
  encrypt(relay.caller, relay.called, testJob());
  EXPECT_TRUE(isOk(carry(relay, randomBytes(20'000, 3))));
}

TEST(Tls, RefusesAnotherKeyOnBothSides) {
  SocketPair pair = connectedPair();
  const auto ours = tlsOf(testJob());
  const auto theirs = tlsOf(otherSecret());
  pair.called.answerTls(*ours);
  auto calling = std::async(std::launch::async, [&] { return pair.caller.callTls(*theirs, soon()); });
  std::byte sink{};
  EXPECT_EQ(pair.called.receiveAll({&sink, 1}, soon()).code(), StatusCode::kHandshake);
  EXPECT_TRUE(failsWith(StatusCode::kHandshake, {"another job's secret"}, calling.get()));
}

/// Somebody who has a certificate in place of the key.
SSL_CTX* contextWithCertificate() {
  EVP_PKEY* key = EVP_RSA_gen(2048);
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, key);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return context;
}

TEST(Tls, TakesNoCertificateForTheKey) {
  SocketPair pair = connectedPair();
  SSL_CTX* impostor = contextWithCertificate();
  SSL* ssl = SSL_new(impostor);
  SSL_set_fd(ssl, pair.called.fd());
  auto calling = std::async(std::launch::async, [&, context = tlsOf(testJob())] {
    const Status called = pair.caller.callTls(*context, soon());
    pair.caller.close();
    return called;
  });
  while (calling.wait_for(milliseconds(1)) != std::future_status::ready) std::ignore = SSL_accept(ssl);
  EXPECT_EQ(calling.get().code(), StatusCode::kHandshake);
  SSL_free(ssl);
  SSL_CTX_free(impostor);
}

TEST(Tls, NoticesAChangedBit) {
  Relay relay({.flipBitIn = 100'000});
  encrypt(relay.caller, relay.called, testJob());
  EXPECT_TRUE(failsWith(StatusCode::kCorrupt, {"not what was sent"}, carry(relay, randomBytes(200'000, 4))));
}

TEST(Tls, ACutInTheMiddleOfARecordIsALostPeer) {
  Relay relay({.cutAfter = 100'000});
  encrypt(relay.caller, relay.called, testJob());
  EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {}, carry(relay, randomBytes(200'000, 5))));
}

TEST(Tls, ACallWithoutAnAnswerEndsAtTheDeadline) {
  SocketPair pair = connectedPair();
  const auto context = tlsOf(testJob());
  EXPECT_EQ(pair.caller.callTls(*context, Deadline::in(milliseconds(50))).code(), StatusCode::kTimeout);
}

TEST(Tls, FinishSendingLeavesTheOtherDirectionOpen) {
  SocketPair pair = encryptedPair();
  pair.caller.finishSending();
  Bytes bytes(2);
  EXPECT_EQ(pair.called.receiveAll(bytes, soon()).code(), StatusCode::kPeerLost);
  EXPECT_TRUE(pair.called.ended());
  EXPECT_TRUE(isOk(pair.called.sendAll(bytesOf("ok"), soon())));
  EXPECT_TRUE(isOk(pair.caller.receiveAll(bytes, soon())));
  EXPECT_EQ(bytes, bytesOf("ok"));
}

/// Both ends of TLS on a connection, and how often they change their keys.
struct Streams {
  explicit Streams(uint64_t recordsPerKey)
      : caller(*context, sockets.caller.fd(), TlsSide::kCaller, recordsPerKey),
        called(*context, sockets.called.fd(), TlsSide::kCalled, recordsPerKey) {
    const Deadline deadline = soon();
    bool done = false;
    while (!done && !deadline.passed()) {
      const auto there = caller.shakeHands();
      const auto back = called.shakeHands();
      EXPECT_TRUE(isOk(there) && isOk(back));
      if (!there.ok() || !back.ok()) return;
      done = there.value() == TlsStream::Step::kDone && back.value() == TlsStream::Step::kDone;
    }
    EXPECT_TRUE(done);
  }
  std::unique_ptr<TlsContext> context = tlsOf(testJob());
  SocketPair sockets = connectedPair();
  TlsStream caller;
  TlsStream called;
};

TEST(Tls, GoesOnWhenKeysChange) {
  Streams streams(3);
  for (size_t i = 0; i < 50; ++i) {
    for (const auto& [from, to] : {std::pair{&streams.caller, &streams.called}, {&streams.called, &streams.caller}}) {
      const Bytes bytes = randomBytes(1 + i * 700, static_cast<unsigned>(i));
      const auto sent = from->trySend(bytes);
      ASSERT_TRUE(isOk(sent));
      ASSERT_EQ(sent.value(), bytes.size());
      Bytes got(bytes.size());
      size_t count = 0;
      while (count < got.size()) {
        const auto some = to->tryReceive(std::span(got).subspan(count));
        ASSERT_TRUE(isOk(some));
        count += some.value();
      }
      EXPECT_TRUE(got == bytes);
    }
  }
}

TEST(Tls, TellsOfBytesThatPollCannotSee) {
  SocketPair pair = encryptedPair();
  ASSERT_TRUE(isOk(pair.caller.sendAll(bytesOf("in one record"), soon())));
  Bytes some(6);
  ASSERT_TRUE(isOk(pair.called.receiveAll(some, soon())));
  EXPECT_TRUE(pair.called.holdsBytes());
  Bytes rest(100);
  EXPECT_EQ(pair.called.tryReceive(rest).value(), 7u);
  EXPECT_FALSE(pair.called.holdsBytes());
}

TEST(Tls, SaysWhenLessIsBroughtThanBefore) {
  SocketPair pair = encryptedPair();
  Bytes bytes(16 << 10);
  for (size_t sent = 1; sent > 0;) {
    const auto some = pair.caller.trySend(bytes);
    ASSERT_TRUE(isOk(some));
    sent = some.value();
  }
  EXPECT_EQ(pair.caller.trySend(std::span(bytes).first(10)).status().code(), StatusCode::kInternal);
}

}  // namespace
}  // namespace tsring
