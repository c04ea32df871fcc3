#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/log.h"
#include "collective/selection.h"

namespace tsring {

/// How ranks of one host exchange data.
enum class Transport : uint8_t {
  kAuto,  // shared memory where it can be had, TCP otherwise, with a line that says so
  kTcp,
  kShm,  // connect fails where shared memory cannot be had
};

struct SessionOptions {
  int rank = 0;
  int size = 1;
  std::vector<int> members;  // of a process set: the numbers in the job of its ranks; empty for the job itself
  std::string jobId;
  std::array<std::byte, 32> secret{};                  // equal on all ranks of a job
  uint32_t generation = 0;                             // of the ring: frames of another one are refused
  std::string hostname;                                // of this machine, for messages
  std::chrono::milliseconds timeout{600'000};          // of one operation
  std::chrono::milliseconds heartbeatTimeout{30'000};  // silence of a peer that counts as its death
  size_t fusionThresholdBytes = 64 << 20;
  size_t cacheCapacity = 1024;  // operations that ranks ask for by a number once they are known; only rank 0's counts
  Transport transport = Transport::kAuto;
  int sockets = 1;           // for data, of every two ranks that talk over TCP; the same on all
  int mostSockets = 1;       // that a retuning may go up to: where it is more, so many are connected; the same on all
  bool encrypt = false;      // TLS on all links, if so on all ranks
  Tuning tuning;             // only rank 0's counts, for all
  std::string tuningSource;  // where its costs come from, for the log; empty: built in
  std::chrono::milliseconds stallCheck{60'000};  // an operation that some ranks wait for so long is told of; 0: never
  std::chrono::milliseconds stallShutdown{0};    // and one that they wait for so long breaks the ring; 0: never
  size_t flightRecorderSize = 2000;              // operations kept; 0: none
  std::string flightRecorderDir;                 // where they are dumped when something fails; empty: nowhere
  std::string timelineFile;                      // of this rank; empty: none
  int cudaDevice = 0;             // our GPU among those that the process sees; beyond the last they begin again
  std::string ncclLibrary;        // a name or path; empty: libnccl.so.2
  bool gpuTensorsByHost = false;  // TensorFlow brings its tensors to main memory for us
  bool checkFinite = false;       // sums and averages of NaN and infinities fail, on all ranks
  LogLevel logLevel = LogLevel::kWarn;
};

/// Where a rank listens.
struct PeerAddress {
  std::string host;
  uint16_t port = 0;
  std::string hostname;  // for messages
  std::string hostId;    // equal for ranks that can share memory; empty: with nobody
};

}  // namespace tsring
