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
// closed socket.

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
};

inline constexpr uint32_t kMagic = 0x47525354;  // "TSRG"
inline constexpr uint16_t kWireVersion = 1;
inline constexpr size_t kChallengeBytes = 40;
inline constexpr size_t kProofBytes = 96;
inline constexpr size_t kAcceptBytes = 40;

using ChallengeFrame = std::array<std::byte, kChallengeBytes>;
using ProofFrame = std::array<std::byte, kProofBytes>;
using AcceptFrame = std::array<std::byte, kAcceptBytes>;

ChallengeFrame makeChallenge();
ProofFrame makeProof(const JobCredentials& job, const ChallengeFrame& challenge, const LinkIdentity& identity);
AcceptFrame makeAccept(const JobCredentials& job, const ChallengeFrame& challenge, const ProofFrame& proof);

/// kHandshake when the frame is not a challenge of our version.
Status checkChallenge(const ChallengeFrame& challenge);
/// Who proved to know the secret; nothing when the proof is wrong in any way.
std::optional<LinkIdentity> checkProof(const JobCredentials& job, const ChallengeFrame& challenge,
                                       const ProofFrame& proof);
bool checkAccept(const JobCredentials& job, const ChallengeFrame& challenge, const ProofFrame& proof,
                 const AcceptFrame& accept);

/// The caller's side on a fresh connection. Fails with kHandshake or kTimeout.
Status introduce(Socket& socket, const JobCredentials& job, const LinkIdentity& identity, Deadline deadline);

}  // namespace tsring
