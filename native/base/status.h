#pragma once

#include <cassert>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tsring {

/// Kinds of failure. Each but kOk has the RingError code of the same name in TypeScript (`codeName`).
enum class StatusCode : uint8_t {
  kOk,
  kInvalidArgument,
  kMismatch,
  kDuplicateName,
  kPeerLost,
  kTimeout,
  kConnect,
  kHandshake,
  kShutDown,
  kUnsupported,
  kInternal,
  kNotFinite,
  kCorrupt,
};
inline constexpr StatusCode kLastStatusCode = StatusCode::kCorrupt;

/// The TypeScript name of a code, "RING_PEER_LOST" for kPeerLost.
std::string_view codeName(StatusCode code);

/// Success, or a kind of failure with a sentence for people. A value: copies, compares by code; success costs no
/// allocation.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message)
      : code_(code), message_(std::make_shared<const std::string>(std::move(message))) {}

  static Status okay() { return {}; }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  std::string_view message() const { return message_ ? std::string_view(*message_) : std::string_view(); }

  /// The same kind of failure with `text` put before the message; success stays success.
  Status withPrefix(std::string_view text) const;
  Status withSuffix(std::string_view text) const;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::shared_ptr<const std::string> message_;  // shared: many tickets may fail for one reason
};

/// A failure of the given kind from the current value of errno: "`what`: Connection refused".
/// ECONNRESET, EPIPE and their kin become kPeerLost whatever `code` says.
Status statusFromErrno(StatusCode code, std::string_view what, int error);

/// A value or the reason why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor): `return value;` is the point
  Result(Status status) : status_(std::move(status)) { assert(!status_.ok()); }  // NOLINT(google-explicit-constructor)

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return *std::move(value_); }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace tsring
