#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace tsring {

/// What a rank does with the payload that comes to it.
enum class Taking : uint8_t {
  kAppend,         // keeps it behind what it has
  kCombineRight,   // combines the two, the other's on the right of the operator
  kCombineLeft,    // the same, the other's on the left
  kInsteadOfOurs,  // has it in place of what it had, and sends no more
};

/// One step of a rank's way to an agreement: it sends what it has to one, then waits for what another has.
struct GateRound {
  std::optional<size_t> to;
  std::optional<size_t> from;
  Taking taking = Taking::kAppend;
  size_t contributions = 1;  // that go each way: the first ones that a rank has gathered
};

/// How ranks come to an agreement by messages, as one of them sees it. Over one link at most one message goes each way.
struct GatePlan {
  std::vector<GateRound> rounds;
  bool combines;        // payloads become one on their way; otherwise each rank gets those of all
  size_t payloadBytes;  // of a rank at most
};

/// What is combined on the way of an agreement has at most so many bytes: up to here data that travel along were there
/// as soon as those that are sent afterwards, or sooner (measured on two cores).
inline constexpr size_t kMostCombinedBytes = 128 << 10;

/// Few rounds, and what each rank brings goes to all: a Dissemination. The payloads of all have at most `travelBytes`.
GatePlan gatherEverywhere(size_t rank, size_t size, size_t travelBytes);

/// Few messages, for ranks that share `cores`: there all of them take time, and not only those that one rank waits for.
/// Neighbours, which tsrun puts on one core, make a group. Each sends to the first of its group, who combines; the
/// firsts double (as in recursive_doubling.h), and each hands the result on to its group:
///
///     7 ranks, 2 cores    1 2 3 -> 0      5 6 -> 4
///                                  0 <-> 4
///                         1 2 3 <- 0      5 6 <- 4
///
/// On one core or two these are 2 (n - 1) messages with data of one rank each, where a dissemination has n ceil(log2 n)
/// with up to half of all data. All ranks get the value of one expression: the same bits everywhere.
GatePlan combineByCores(size_t rank, size_t size, size_t cores);

}  // namespace tsring
