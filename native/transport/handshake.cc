#include "transport/handshake.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstdlib>

#include "base/bytes.h"

namespace tsring {
namespace {

constexpr size_t kNonceBytes = 32;
constexpr size_t kMacBytes = 32;
constexpr size_t kJobDigestBytes = 16;

template <size_t N>
std::array<std::byte, N> toFrame(const ByteWriter& out) {
  assert(out.size() == N);
  std::array<std::byte, N> frame;
  std::copy(out.bytes().begin(), out.bytes().end(), frame.begin());
  return frame;
}

const unsigned char* chars(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::array<std::byte, kNonceBytes> makeNonce() {
  std::array<std::byte, kNonceBytes> nonce;
  // Without randomness the handshake proves nothing: better no process than an open one.
  if (RAND_bytes(reinterpret_cast<unsigned char*>(nonce.data()), kNonceBytes) != 1) std::abort();
  return nonce;
}

Digest mac(const Secret& secret, std::string_view label, std::span<const std::byte> first,
           std::span<const std::byte> second) {
  const Bytes message = ByteWriter().put(asBytes(label)).put(first).put(second).take();
  Digest digest;
  unsigned int length = 0;
  HMAC(EVP_sha256(), secret.data(), secret.size(), chars(message), message.size(),
       reinterpret_cast<unsigned char*>(digest.data()), &length);
  return digest;
}

bool sameMac(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::array<std::byte, kJobDigestBytes> jobDigest(const std::string& jobId) {
  Digest whole;
  SHA256(chars(asBytes(jobId)), jobId.size(), reinterpret_cast<unsigned char*>(whole.data()));
  std::array<std::byte, kJobDigestBytes> digest;
  std::copy_n(whole.begin(), digest.size(), digest.begin());
  return digest;
}

}  // namespace

TlsKey tlsKey(const Secret& secret, const std::string& jobId) {
  return mac(secret, "tsring tls 1.3 psk", jobDigest(jobId), {});
}

ChallengeFrame makeChallenge(Encryption encryption) {
  const auto flags = static_cast<uint16_t>(encryption);
  return toFrame<kChallengeBytes>(ByteWriter().put(kMagic).put(kWireVersion).put(flags).put(makeNonce()));
}

ProofFrame makeProof(const JobCredentials& job, const ChallengeFrame& challenge, const LinkIdentity& identity) {
  ByteWriter out;
  out.put(kMagic)
      .put(kWireVersion)
      .put(static_cast<uint16_t>(identity.purpose))
      .put(identity.rank)
      .put(identity.generation);
  out.put(jobDigest(job.jobId)).put(makeNonce());
  out.put(mac(job.secret, "tsring client", challenge, Bytes(out.bytes())));
  return toFrame<kProofBytes>(out);
}

AcceptFrame makeAccept(const JobCredentials& job, const ChallengeFrame& challenge, const ProofFrame& proof) {
  ByteWriter out;
  out.put(kMagic).put(kWireVersion).put(uint16_t{0});
  out.put(mac(job.secret, "tsring server", challenge, proof));
  return toFrame<kAcceptBytes>(out);
}

Status checkChallenge(const ChallengeFrame& challenge, Encryption encryption) {
  ByteReader in(challenge);
  if (in.get<uint32_t>() != kMagic) return Status(StatusCode::kHandshake, "another program listens there");
  if (const auto version = in.get<uint16_t>(); version != kWireVersion) {
    return Status(StatusCode::kHandshake, "the other side speaks wire version " + std::to_string(version) +
                                              ", this side " + std::to_string(kWireVersion) +
                                              "; install the same tsring on both");
  }
  if (const auto theirs = in.get<uint16_t>(); theirs != static_cast<uint16_t>(encryption)) {
    const std::string_view both =
        encryption == Encryption::kNone ? "it encrypts, and this rank does not" : "this rank encrypts, and it does not";
    return Status(StatusCode::kHandshake, std::string(both) + "; give all ranks the same `encrypt` (tsrun --encrypt)");
  }
  return Status::okay();
}

std::optional<LinkIdentity> checkProof(const JobCredentials& job, const ChallengeFrame& challenge,
                                       const ProofFrame& proof) {
  const auto signedPart = std::span(proof).first(kProofBytes - kMacBytes);
  if (!sameMac(mac(job.secret, "tsring client", challenge, signedPart), std::span(proof).last(kMacBytes)))
    return std::nullopt;
  ByteReader in(signedPart);
  const bool speaksOurs = in.get<uint32_t>() == kMagic && in.get<uint16_t>() == kWireVersion;
  const auto purpose = static_cast<LinkPurpose>(in.get<uint16_t>());
  const auto rank = in.get<uint32_t>();
  const auto generation = in.get<uint32_t>();
  const bool ourJob = std::ranges::equal(in.raw(kJobDigestBytes), jobDigest(job.jobId));
  if (!speaksOurs || !ourJob) return std::nullopt;
  return LinkIdentity{purpose, rank, generation};
}

bool checkAccept(const JobCredentials& job, const ChallengeFrame& challenge, const ProofFrame& proof,
                 const AcceptFrame& accept) {
  ByteReader in(accept);
  return in.get<uint32_t>() == kMagic && in.get<uint16_t>() == kWireVersion && in.get<uint16_t>() == 0 &&
         sameMac(mac(job.secret, "tsring server", challenge, proof), std::span(accept).last(kMacBytes));
}

Status introduce(Socket& socket, const JobCredentials& job, const LinkIdentity& identity, Deadline deadline) {
  ChallengeFrame challenge;
  if (Status s = socket.receiveAll(challenge, deadline); !s.ok()) return s;
  const Encryption encryption = job.tls ? Encryption::kRequired : Encryption::kNone;
  if (Status s = checkChallenge(challenge, encryption); !s.ok()) return s;
  if (job.tls) {
    if (Status s = socket.callTls(*job.tls, deadline); !s.ok()) return s;
  }
  const ProofFrame proof = makeProof(job, challenge, identity);
  if (Status s = socket.sendAll(proof, deadline); !s.ok()) return s;
  AcceptFrame accept;
  if (Status s = socket.receiveAll(accept, deadline); !s.ok()) {
    if (s.code() == StatusCode::kTimeout) return s;
    return Status(StatusCode::kHandshake, "it closed the connection: another job's secret, job id or generation?");
  }
  if (!checkAccept(job, challenge, proof, accept))
    return Status(StatusCode::kHandshake, "it does not know the job's secret");
  return Status::okay();
}

}  // namespace tsring
