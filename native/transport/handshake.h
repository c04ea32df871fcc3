#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/deadline.h"
#include "base/status.h"
#include "transport/tcp/socket.h"

namespace tsring {

// Mutual challenge-response on the job's secret (docs/wire-format.md draws the frames). The listener challenges, the
// caller proves that it knows the secret, and only then does the listener prove the same: a stranger gets a nonce and a
// closed socket. The challenge says whether the connection is encrypted; if it is, TLS begins behind it.

using Secret = std::array<std::byte, 32>;
using Digest = std::array<std::byte, 32>;

enum class LinkPurpose : uint16_t { kStore = 1, kControl = 2, kData = 3, kAgreement = 4 };

/// Who calls, in which ring.
struct LinkIdentity {
  LinkPurpose purpose;
  uint32_t rank;
  uint32_t generation;
};

/// What both sides must know beforehand.
struct JobCredentials {
  Secret secret;
  std::string jobId;
  const TlsContext* tls = nullptr;  // of tlsKey(secret, jobId); null: connections of this job are not encrypted
};

/// What TLS takes for a key: the secret stays out of it.
TlsKey tlsKey(const Secret& secret, const std::string& jobId);

inline constexpr uint32_t kMagic = 0x47525354;  // "TSRG"
inline constexpr uint16_t kWireVersion = 1;
/// Of a challenge: what the listener makes of TLS.
enum class Encryption : uint16_t { kNone = 0, kRequired = 1 };  // 2, whichever the caller likes, is the store's
inline constexpr size_t kChallengeBytes = 40;
inline constexpr size_t kProofBytes = 96;
inline constexpr size_t kAcceptBytes = 40;

using ChallengeFrame = std::array<std::byte, kChallengeBytes>;
using ProofFrame = std::array<std::byte, kProofBytes>;
using AcceptFrame = std::array<std::byte, kAcceptBytes>;

ChallengeFrame makeChallenge(Encryption encryption = Encryption::kNone);
ProofFrame makeProof(const JobCredentials& job, const ChallengeFrame& challenge, const LinkIdentity& identity);
AcceptFrame makeAccept(const JobCredentials& job, const ChallengeFrame& challenge, const ProofFrame& proof);

/// kHandshake when the frame is not a challenge of our version, or the listener sees encryption in another way.
Status checkChallenge(const ChallengeFrame& challenge, Encryption encryption = Encryption::kNone);
/// Who proved to know the secret; nothing when the proof is wrong in any way.
std::optional<LinkIdentity> checkProof(const JobCredentials& job, const ChallengeFrame& challenge,
                                       const ProofFrame& proof);
bool checkAccept(const JobCredentials& job, const ChallengeFrame& challenge, const ProofFrame& proof,
                 const AcceptFrame& accept);

/// The caller's side on a fresh connection, which is inside TLS afterwards if the job's are. Fails with kHandshake or
/// kTimeout.
Status introduce(Socket& socket, const JobCredentials& job, const LinkIdentity& identity, Deadline deadline);

}  // namespace tsring
