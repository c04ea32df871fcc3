#include "collective/selection.h"

#include <algorithm>
#include <cstdio>

#include "collective/pairwise.h"

namespace tsring {
namespace {

// In the order of their steps: at equal cost the first is taken.
constexpr Algorithm kOverLinks[] = {Algorithm::kRecursiveDoubling, Algorithm::kHalvingDoubling, Algorithm::kRing};
constexpr Algorithm kThroughMemory[] = {Algorithm::kEveryone, Algorithm::kParts};

// Beyond this nothing changes any more: steps count for nothing.
constexpr uint64_t kLargest = uint64_t{1} << 36;

constexpr uint8_t kNotForced = 0xff;
constexpr uint8_t kIsTuning = 1;

std::string inUnits(uint64_t bytes) {
  constexpr const char* kUnits[] = {"bytes", "KB", "MB", "GB"};
  size_t unit = 0;
  auto number = static_cast<double>(bytes);
  for (; number >= 1024 && unit < 3; ++unit) number /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, number < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", number, kUnits[unit]);
  return text;
}

}  // namespace

Tuning tried(Tuning tuning, const Trial& trial) {
  tuning.fusionThresholdBytes = trial.fusionThresholdBytes;
  tuning.pieceBytes = trial.pieceBytes;
  tuning.sockets = trial.sockets;
  for (Costs::One& cost : tuning.costs.of) {
    const uint64_t scaled = uint64_t{cost.stepNanoseconds} * trial.stepCostPercent / 100;
    cost.stepNanoseconds = static_cast<uint32_t>(std::min<uint64_t>(scaled, UINT32_MAX));
  }
  return tuning;
}

Algorithm choose(const Tuning& tuning, Medium medium, size_t ranks, uint64_t bytes) {
  if (tuning.forced && mediumOf(*tuning.forced) == medium) return *tuning.forced;
  const std::span<const Algorithm> known =
      medium == Medium::kLinks ? std::span<const Algorithm>(kOverLinks) : std::span<const Algorithm>(kThroughMemory);
  return *std::ranges::min_element(known, {},
                                   [&](Algorithm algorithm) { return predict(tuning.costs, algorithm, ranks, bytes); });
}

std::vector<Stretch> stretches(const Tuning& tuning, Medium medium, size_t ranks) {
  const auto at = [&](uint64_t bytes) { return choose(tuning, medium, ranks, bytes); };
  std::vector<Stretch> found{{0, at(0)}};
  for (uint64_t low = 0, high = 1; high <= kLargest; low = high, high *= 2) {
    while (at(high) != found.back().algorithm) {
      // The first size that is chosen for otherwise, between `low`, which is not, and `high`.
      uint64_t before = low, after = high;
      while (after - before > 1) {
        const uint64_t middle = before + (after - before) / 2;
        (at(middle) == found.back().algorithm ? before : after) = middle;
      }
      found.push_back({after, at(after)});
      low = after;
    }
  }
  return found;
}

std::string describe(const std::vector<Stretch>& stretches) {
  std::string text(algorithmName(stretches.front().algorithm));
  for (size_t i = 1; i < stretches.size(); ++i) {
    text.append(", from ").append(inUnits(stretches[i].fromBytes)).append(" ");
    text.append(algorithmName(stretches[i].algorithm));
  }
  return text;
}

Status checkPossible(const Tuning& tuning, Medium medium) {
  if (!tuning.forced || mediumOf(*tuning.forced) == medium) return Status::okay();
  const std::string name = "algorithm " + std::string(algorithmName(*tuning.forced));
  return Status(
      StatusCode::kUnsupported,
      medium == Medium::kMemory
          ? name + " goes over links, but these ranks share memory: take transport tcp with it, or auto"
          : name + " needs ranks that share memory, but these talk over TCP: take auto, or another algorithm");
}

Bytes tuningRecord(const Tuning& tuning) {
  ByteWriter out;
  out.put(kIsTuning).put(tuning.forced ? static_cast<uint8_t>(*tuning.forced) : kNotForced);
  for (const Costs::One& cost : tuning.costs.of) out.put(cost.stepNanoseconds).put(cost.bytePicoseconds);
  out.put(tuning.costs.combinePicoseconds).put(uint8_t{tuning.costs.sharedCores});
  out.put(uint8_t{tuning.checksums}).put(uint8_t{tuning.devicesByHost});
  out.put(tuning.numNcclStreams);
  return out.put(tuning.fusionThresholdBytes).put(tuning.pieceBytes).put(tuning.sockets).take();
}

std::optional<Tuning> tuningIn(std::span<const std::byte> record) {
  ByteReader in(record);
  if (in.get<uint8_t>() != kIsTuning) return std::nullopt;
  Tuning tuning;
  const auto forced = in.get<uint8_t>();
  if (forced < kAlgorithmCount) tuning.forced = static_cast<Algorithm>(forced);
  for (Costs::One& cost : tuning.costs.of) {
    cost.stepNanoseconds = in.get<uint32_t>();
    cost.bytePicoseconds = in.get<uint32_t>();
  }
  tuning.costs.combinePicoseconds = in.get<uint32_t>();
  tuning.costs.sharedCores = in.get<uint8_t>() != 0;
  tuning.checksums = in.get<uint8_t>() != 0;
  tuning.devicesByHost = in.get<uint8_t>() != 0;
  tuning.numNcclStreams = std::max(in.get<uint32_t>(), uint32_t{1});
  tuning.fusionThresholdBytes = in.get<uint64_t>();
  tuning.pieceBytes = std::max(in.get<uint32_t>(), kLeastPieceBytes);
  tuning.sockets = std::max(in.get<uint32_t>(), uint32_t{1});
  return in.done() ? std::optional(tuning) : std::nullopt;
}

Result<Tuning> agreeOnTuning(Mesh& mesh, const Tuning& own, std::chrono::milliseconds stallLimit) {
  Bytes unused;
  const PairLink link{mesh, unused, stallLimit};
  Bytes record = tuningRecord(own);
  if (mesh.rank() > 0) {
    if (Status s = exchange(link, 0, {}, record); !s.ok()) return s;
    if (const auto agreed = tuningIn(record)) return *agreed;
    return Status(StatusCode::kInternal, "rank 0 sent a tuning that makes no sense; is it the same tsring version?");
  }
  for (int peer = 1; peer < mesh.size(); ++peer) {
    if (Status s = exchange(link, peer, record, {}); !s.ok()) return s;
  }
  return own;
}

}  // namespace tsring
