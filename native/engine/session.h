#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/status.h"
#include "collective/selection.h"
#include "engine/request.h"
#include "engine/session_options.h"
#include "engine/ticket.h"

namespace tsring {

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
  /// How tensors on GPUs that may go by host have gone: `cuda`, or `host: ` and why; empty before the first.
  std::string deviceWay() const;
  /// Nanoseconds that each of `rounds` float32 sums of `bytes` takes on this rank, by an algorithm of our choice. All
  /// ranks call this at the same time, while nothing else goes on. For tuning.
  Result<std::vector<double>> time(Algorithm algorithm, size_t bytes, size_t rounds);

  /// How many sockets connect every two ranks for data, once connected: the most that a trial may use.
  size_t connectedSockets() const;

  /// Lets go of memory that no result lies in, kept for operations to come: what follows asks for other sizes. For this
  /// rank alone.
  void trimMemory();

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
