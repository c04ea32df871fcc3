#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tsring {

/// Ways to do an allreduce. The numbers are the wire's: never reorder.
enum class Algorithm : uint8_t {
  kRing = 0,               // over links
  kRecursiveDoubling = 1,  // over links
  kHalvingDoubling = 2,    // over links
  kEveryone = 3,           // through shared memory: everyone combines everything
  kParts = 4,              // through shared memory: everyone combines a part
};
inline constexpr size_t kAlgorithmCount = 5;

constexpr std::string_view algorithmName(Algorithm algorithm) {
  constexpr std::string_view kNames[kAlgorithmCount] = {"ring", "recursive-doubling", "halving-doubling", "everyone",
                                                        "parts"};
  return kNames[static_cast<size_t>(algorithm)];
}

/// What data pass through between ranks.
enum class Medium : uint8_t { kLinks, kMemory };

constexpr Medium mediumOf(Algorithm algorithm) {
  return algorithm < Algorithm::kEveryone ? Medium::kLinks : Medium::kMemory;
}

/// What an allreduce has a rank do and wait for, from its start to its end.
struct Work {
  uint64_t steps;          // that wait for another rank
  uint64_t movedBytes;     // sent, or copied to or from shared memory
  uint64_t combinedBytes;  // added to others

  bool operator==(const Work&) const = default;
};
Work workOf(Algorithm algorithm, size_t ranks, uint64_t bytes);

/// What all ranks do together, as if one did it.
Work workOfAll(Algorithm algorithm, size_t ranks, uint64_t bytes);

/// What the work costs: the alpha-beta-gamma model, with an alpha and a beta for each algorithm, since a step of a ring
/// that flows is not a step that waits. Whole numbers, so that every kind of machine decides alike.
struct Costs {
  struct One {
    uint32_t stepNanoseconds;
    uint32_t bytePicoseconds;
    bool operator==(const One&) const = default;
  };
  std::array<One, kAlgorithmCount> of;
  uint32_t combinePicoseconds;  // a byte
  /// Ranks share cores: what all of them do takes time, and not only what one waits for.
  bool sharedCores = false;
  bool operator==(const Costs&) const = default;
};

/// Holds where nothing was measured. The links' costs are those of TCP on one host, and similar on a fast network;
/// slower ones are measured at the start (network_speed.h).
inline constexpr Costs kBuiltInCosts{
    .of = {{{20'000, 800}, {20'000, 1000}, {20'000, 900}, {600, 90}, {500, 35}}},
    .combinePicoseconds = 60,
};

/// Holds in their place where ranks on one host share cores: there a ring gains nothing by its steps' overlap.
inline constexpr Costs kBuiltInCostsOfSharedCores{
    .of = {{{20'000, 900}, {20'000, 1000}, {20'000, 900}, {600, 90}, {500, 35}}},
    .combinePicoseconds = 60,
    .sharedCores = true,
};

/// Picoseconds, for comparison with others of the same costs.
uint64_t predict(const Costs& costs, Algorithm algorithm, size_t ranks, uint64_t bytes);

/// The least bytes, from 4 MB on and as a power of two, of which a ring's steps are at most a twentieth of what the
/// bytes cost: less of a large group at a time would take longer, and more leaves the caches between one copy and the
/// next. None where there is no such number below 2^40.
std::optional<uint64_t> bytesWorthARing(const Costs& costs, size_t ranks);

}  // namespace tsring
