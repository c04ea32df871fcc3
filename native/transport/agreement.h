#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "base/status.h"

namespace tsring {

/// Makes one payload of two: `into`, which may be one of them, becomes `left` combined with `right`, of `bytes` each.
using CombinePayloads =
    std::function<void(std::byte* into, const std::byte* left, const std::byte* right, size_t bytes)>;

/// What a rank brings to an agreement.
struct Offer {
  uint64_t fingerprint = 0;            // of the operation that it means
  std::span<const std::byte> payload;  // its data, if they are small enough to travel along
  CombinePayloads combine = {};        // needed with a payload, for an agreement that combines on the way
};

/// The short way for calls that block: all ranks learn, without a coordinator, whether all of them have come, and for
/// what. An operation that is not agreed on here is agreed on by the control threads; then nobody gets through here
/// with it.
///
/// tryPass(), offerOf(), combined() and busy() are for the thread that makes a rank's calls; idle() and leave() for
/// any.
class Agreement {
 public:
  virtual ~Agreement() = default;

  /// Payloads up to this many bytes may travel along.
  virtual size_t payloadBytes() const = 0;

  /// Comes with an offer and waits for all others. True once all have come with the same fingerprint. False when not,
  /// or when one of them is on the other way or did not come in time: then this operation goes the other way too. Fails
  /// when it can go neither.
  virtual Result<bool> tryPass(const Offer& own) = 0;

  /// What a rank brought, after a tryPass that was true and until the next call of tryPass or busy.
  virtual Offer offerOf(size_t rank) const = 0;
  /// As long, where payloads are combined on their way: what has become of them, the same bits on all ranks. Then
  /// offerOf has them no more.
  virtual std::optional<std::span<const std::byte>> combined() const { return std::nullopt; }

  /// This rank has an operation on the other way; called for each, when it is begun. Never waits.
  virtual void busy() = 0;
  /// One of them is done.
  virtual void idle() = 0;
  /// This rank will not come any more.
  virtual void leave() = 0;
  /// Ends the present tryPass; none is true from now on. Any thread.
  virtual void interrupt() = 0;
};

}  // namespace tsring
