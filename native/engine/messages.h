#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "engine/negotiator.h"
#include "engine/request.h"

namespace tsring {

/// Frames on the control links between rank 0, the coordinator, and the others. The numbers are the wire's: never
/// reorder.
enum class FrameType : uint8_t {
  kReady = 1,       // to the coordinator: a Request; all of its tensors are ready here
  kVerdict = 2,     // from it: a Verdict; ranks carry out good ones in the order in which they come
  kFault = 3,       // to it: a Status; the ring is broken, as seen from here
  kAbort = 4,       // from it: a Status; the ring is broken, and this is why, for everyone
  kHeartbeat = 5,   // both ways, empty: still here
  kLeave = 6,       // both ways: names; this rank asks for nothing more, and does not do what it asked for under them
  kKnownReady = 7,  // to the coordinator: numbers of what is ready here, as verdicts have given them
  kKnownVerdicts = 8,  // from it: the same, and all have asked for it
  kTerms = 20,  // to the coordinator: one name, and Terms; how the request of this name that follows is asked for
  kWaits =
      21,  // to it: names, an age in ms (u64); waits on the short way for that name, of that kind. No names: no more
  kAskState = 22,   // from it, empty: what are you at?
  kTellState = 23,  // to it: one name: what this rank is at, in words
  kAskClock = 24,   // to it: our clock in ns (i64)
  kTellClock = 25,  // from it: the same, and its own clock in ns (i64)
};

void encode(const Verdict& verdict, ByteWriter& out);
bool decode(ByteReader& in, Verdict& verdict);

/// Of a message longer than kMaxMessageBytes the beginning.
inline constexpr size_t kMaxMessageBytes = 1 << 20;
void encode(const Status& status, ByteWriter& out);
bool decode(ByteReader& in, Status& status);

/// What is unusual about how a rank asks for an operation.
struct Terms {
  std::chrono::milliseconds timeout{0};  // a deadline of its own, which only fails this operation; 0: none
  Status objection;                      // why it must fail on all ranks, once all have asked for it
  bool usual() const { return timeout.count() == 0 && objection.ok(); }
};
void encode(const Terms& terms, ByteWriter& out);
bool decode(ByteReader& in, Terms& terms);

void encode(const std::vector<uint32_t>& numbers, ByteWriter& out);
bool decode(ByteReader& in, std::vector<uint32_t>& numbers);

void encode(const std::vector<std::string>& names, ByteWriter& out);
bool decode(ByteReader& in, std::vector<std::string>& names);

}  // namespace tsring
