#pragma once

#include <atomic>

#include "transport/agreement.h"

namespace tsring {

/// Agreement of a rank that has no others: it passes, unless it is on the other way, has left or was interrupted.
/// Nothing travels along, as nothing has to be told to anybody. Any thread.
class AgreementOfOne final : public Agreement {
 public:
  size_t payloadBytes() const override { return 0; }
  Result<bool> tryPass(const Offer& /*own*/) override { return !over_.load() && underWay_.load() == 0; }
  Offer offerOf(size_t /*rank*/) const override { return {}; }
  void busy() override { underWay_.fetch_add(1); }
  void idle() override { underWay_.fetch_sub(1); }
  void leave() override { over_.store(true); }
  void interrupt() override { over_.store(true); }

 private:
  std::atomic<size_t> underWay_ = 0;
  std::atomic<bool> over_ = false;
};

}  // namespace tsring
