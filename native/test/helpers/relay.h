#pragma once

#include <cstddef>
#include <limits>
#include <thread>

#include "base/bytes.h"
#include "test/helpers/sockets.h"

namespace tsring {

/// What somebody on the way between two sockets does with what the caller sends.
struct RelayFaults {
  static constexpr size_t kNowhere = std::numeric_limits<size_t>::max();
  size_t mostBytesPerWrite = 64 << 10;  // either way: short pieces
  size_t flipBitIn = kNowhere;          // of the byte with this number
  size_t cutAfter = kNowhere;           // the connection ends for both after so many bytes
};

/// A connection with somebody on the way who reads along, and may do worse. Ends with the first side that closes.
class Relay {
 public:
  explicit Relay(RelayFaults faults = {});
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  Socket caller;
  Socket called;

  /// Ends the relay; all that went either way.
  const Bytes& overheard();

 private:
  void run();
  bool forward(Socket& from, Socket& to, bool faulty);

  const RelayFaults faults_;
  Socket nearCaller_;
  Socket nearCalled_;
  size_t fromCaller_ = 0;
  Bytes overheard_;
  WakeUp stop_;
  std::thread thread_;
};

}  // namespace tsring
