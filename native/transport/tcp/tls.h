#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/status.h"

struct ssl_st;
struct ssl_ctx_st;

namespace tsring {

// TLS 1.3 with a pre-shared key and an ephemeral key exchange (psk_dhe_ke, RFC 8446), TLS_AES_128_GCM_SHA256: both
// sides prove that they know the key, and what was recorded stays closed even to who learns the key later. No
// certificates, no tickets, no early data. OpenSSL is Node's.

/// Derived from the job's secret, never the secret itself.
using TlsKey = std::array<std::byte, 32>;

/// What the streams of one job have in common. Stays where it is, and until the last handshake that it is for is done.
class TlsContext {
 public:
  static Result<std::unique_ptr<TlsContext>> make(const TlsKey& key);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* get() const { return context_; }
  const TlsKey& key() const { return key_; }

 private:
  TlsContext(ssl_ctx_st* context, const TlsKey& key) : context_(context), key_(key) {}
  ssl_ctx_st* const context_;
  TlsKey key_;
};

enum class TlsSide : uint8_t { kCaller, kCalled };

/// The TLS on one non-blocking connection, whose descriptor is the Socket's. Used by one thread at a time.
///
/// The end of the stream is not authenticated: a process that dies says no goodbye. What must not be cut off unnoticed
/// has a length or a frame that says so, as everything on our links has.
class TlsStream {
 public:
  /// As many records with one key as are safe for AES-GCM, with room to spare (RFC 8446, 5.5, allows 2^24.5).
  static constexpr uint64_t kRecordsPerKey = uint64_t{1} << 22;

  TlsStream(const TlsContext& context, int fd, TlsSide side, uint64_t recordsPerKey = kRecordsPerKey);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  enum class Step : uint8_t { kDone, kNeedsInput, kNeedsRoom };
  /// Goes as far as it can without waiting. Fails with kHandshake, kPeerLost or kInternal. The called side may leave
  /// this out: tryReceive does it on the way.
  Result<Step> shakeHands();

  /// As Socket's of the same names. Bytes count as sent once the record that they are in is; after a call that sent
  /// less than it was given the next one brings what is left, or more.
  Result<size_t> trySend(std::span<const std::byte> bytes);
  Result<size_t> tryReceive(std::span<std::byte> bytes);

  /// Whether there may be more to receive than poll(2) can see.
  bool holdsBytes() const { return holdsBytes_; }
  bool ended() const { return ended_; }

 private:
  Status changeKey();
  Status failure(int result);

  ssl_st* const ssl_;
  const TlsSide side_;
  const uint64_t recordsPerKey_;
  uint64_t records_ = 0;   // since the last change of key
  size_t unfinished_ = 0;  // bytes in the record of which a part is sent
  bool established_ = false;
  bool holdsBytes_ = false;
  bool ended_ = false;
  Status failed_;  // met behind bytes that were handed out first
};

}  // namespace tsring
