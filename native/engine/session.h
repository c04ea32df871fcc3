#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/log.h"
#include "base/status.h"
#include "collective/selection.h"
#include "engine/request.h"
#include "engine/ticket.h"

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
  bool encrypt = false;                          // TLS on all links, if so on all ranks
  Tuning tuning;                                 // only rank 0's counts, for all
  std::string tuningSource;                      // where its costs come from, for the log; empty: built in
  std::chrono::milliseconds stallCheck{60'000};  // an operation that some ranks wait for so long is told of; 0: never
  std::chrono::milliseconds stallShutdown{0};    // and one that they wait for so long breaks the ring; 0: never
  size_t flightRecorderSize = 2000;              // operations kept; 0: none
  std::string flightRecorderDir;                 // where they are dumped when something fails; empty: nowhere
  std::string timelineFile;                      // of this rank; empty: none
  int cudaDevice = 0;        // our GPU among those that the process sees; beyond the last they begin again
  std::string ncclLibrary;   // a name or path; empty: libnccl.so.2
  bool checkFinite = false;  // sums and averages of NaN and infinities fail, on all ranks
  LogLevel logLevel = LogLevel::kWarn;
};

/// Where a rank listens.
struct PeerAddress {
  std::string host;
  uint16_t port = 0;
  std::string hostname;  // for messages
  std::string hostId;    // equal for ranks that can share memory; empty: with nobody
};

/// One member's place in a ring. listen, connect, then any number of operations, then close.
/// Any thread may call; `listen`, `connect` and `close` one at a time.
class Session : public std::enable_shared_from_this<Session> {
 public:
  /// A session with a `parent`, the job's, is that of a process set: it breaks for the same reason as the parent, and
  /// the parent with it, and is closed with it.
  static std::shared_ptr<Session> create(SessionOptions options, std::shared_ptr<Session> parent = nullptr);
  ~Session();

  /// Binds a listener to `host` with a port that the system chooses.
  Result<uint16_t> listen(const std::string& host);

  /// Links up with all peers (index is rank) and starts the threads. Fails with kConnect, kHandshake or kTimeout.
  Status connect(const std::vector<PeerAddress>& peers, Deadline deadline);

  /// A ticket for an operation whose tensors come later, with submit.
  std::shared_ptr<Ticket> open(RequestHeader header);

  /// Hands the operation to the engine: buffers stay as they are, and untouched, until the ticket is settled. A failure
  /// means that nothing was handed over: kDuplicateName, kInvalidArgument, kShutDown, or the reason why the ring is
  /// broken.
  Status submit(const std::shared_ptr<Ticket>& ticket, std::vector<Shape> shapes, std::vector<TensorBuffer> tensors);

  /// Does an operation and blocks until it is done; for one thread at a time. The same as open, submit and wait, but
  /// shorter where all ranks are on one host and all block in the same operation.
  Outcome run(RequestHeader header, std::vector<Shape> shapes, std::vector<TensorBuffer> tensors);

  /// Leaves the ring. Agreed work is finished, everything else fails with kShutDown. Safe to call twice.
  void close();

  /// What an allreduce of so many bytes is done by, once they are agreed on; "none" in a ring of one. (Small data of
  /// calls that block travel with the agreement.)
  std::string_view algorithm(size_t bytes) const;
  /// Nanoseconds that each of `rounds` float32 sums of `bytes` takes on this rank, by an algorithm of our choice. All
  /// ranks call this at the same time, while nothing else goes on. For tuning.
  Result<std::vector<double>> time(Algorithm algorithm, size_t bytes, size_t rounds);

  /// What is searched for the best; of the first rank's all ranks go by it.
  struct Trial {
    size_t fusionThresholdBytes;
    uint32_t pieceBytes;
    /// Of what the tuning that the session began with takes a step to cost: more moves the sizes up from which
    /// algorithms with more steps, and fewer bytes, are chosen.
    uint32_t stepCostPercent;
  };
  /// An operation that all ranks ask for: those that are agreed on after it are carried out by rank 0's trial, on all
  /// ranks alike. Blocks, as run().
  Status retune(const Trial& trial);

  /// Begins and ends this rank's timeline, in the trace event format of Chrome. Fails with kInvalidArgument where there
  /// is one already, or the file cannot be written.
  Status startTimeline(const std::string& file);
  void stopTimeline();

  const SessionOptions& options() const;
  /// How long a wait for a ticket may take: the operation's own deadline, which the engine keeps, and some grace.
  Deadline waitDeadline() const;

 private:
  struct Engine;
  Status checkOpen(const RequestHeader& header, const std::vector<Shape>& shapes,
                   const std::vector<TensorBuffer>& tensors) const;
  Session(SessionOptions options, std::shared_ptr<Session> parent);
  std::unique_ptr<Engine> engine_;
};

}  // namespace tsring
