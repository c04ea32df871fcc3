#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

/// The timing protocol of bench/collectives-protocol.ts, for systems that are driven from C++: the same rounds, the
/// same checks, the same columns. `protocol.py` is its like for Python.
namespace peers {

/// One rank of a system. All ranks make the same calls in the same order, from one thread.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// `values` is what the coming calls of `allreduce` work on; it stays where it is until the next `use`.
  virtual void use(float* values, size_t count) = 0;
  /// Sum over all ranks, in place.
  virtual void allreduce() = 0;
  virtual void barrier() = 0;
  /// Largest over all ranks, element by element, in place.
  virtual void maximum(std::vector<double>& values) = 0;
  /// Rank 0's value.
  virtual int agree(int value) = 0;
};

inline double setting(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) {
    std::fprintf(stderr, "%s is not set\n", name);
    std::exit(2);
  }
  return std::atof(text);
}

inline std::vector<size_t> sizesInBytes() {
  const char* text = std::getenv("PEERS_SIZES");
  std::vector<size_t> sizes;
  for (char* rest = const_cast<char*>(text != nullptr ? text : ""); *rest != '\0'; rest += *rest == ',') {
    sizes.push_back(std::strtoull(rest, &rest, 10));
  }
  return sizes;
}

inline double microseconds() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// One call on values whose float32 sum is exact and which differ by element and rank.
inline bool check(Peer& peer, float* values, size_t count) {
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>((peer.rank() + 1) * (1 + i % 97));
  peer.barrier();
  peer.allreduce();
  const int ranks = peer.size() * (peer.size() + 1) / 2;
  std::vector<double> wrong{0};
  for (size_t i = 0; i < count; ++i) {
    if (values[i] != static_cast<float>(ranks * (1 + i % 97))) wrong[0] = 1;
  }
  peer.maximum(wrong);
  return wrong[0] == 0;
}

inline double oneRound(Peer& peer) {
  peer.barrier();
  const double start = microseconds();
  peer.allreduce();
  return microseconds() - start;
}

inline int chooseIterations(Peer& peer) {
  const double fastest = std::min({oneRound(peer), oneRound(peer), oneRound(peer)});
  const double wanted = setting("PEERS_BUDGET_S") * 1e6 / std::max(fastest, 0.1);
  const double least = setting("PEERS_MIN_ITERATIONS");
  return peer.agree(static_cast<int>(std::max(least, std::min(setting("PEERS_MAX_ITERATIONS"), wanted))));
}

/// Microseconds a call in the fastest of three batches, on the slowest rank.
inline double backToBack(Peer& peer, int iterations) {
  const int batch = iterations >= 15 ? iterations / 3 : iterations;
  double best = 0;
  for (int i = 0; i < 3; ++i) {
    peer.barrier();
    const double start = microseconds();
    for (int call = 0; call < batch; ++call) peer.allreduce();
    std::vector<double> slowest{microseconds() - start};
    peer.maximum(slowest);
    best = i == 0 ? slowest[0] / batch : std::min(best, slowest[0] / batch);
    if (iterations < 15 && slowest[0] > 4e6) break;  // the same on all ranks: enough seen of so slow a size
  }
  return best;
}

inline void printRow(const std::string& label, int ranks, size_t bytes, std::vector<double> times, double each,
                     bool ok) {
  std::sort(times.begin(), times.end());
  const size_t half = times.size() / 2;
  const double median = times.size() % 2 == 1 ? times[half] : (times[half - 1] + times[half]) / 2;
  const double moved = static_cast<double>(bytes) * 1e-3;
  const double factor = ranks > 1 ? 2.0 * (ranks - 1) / ranks : 1.0;
  std::printf("%s\t%d\t%zu\t%zu\t%.2f\t%.2f\t%.2f\t%.3f\t%.3f\t%.3f\t%s\n", label.c_str(), ranks, bytes, times.size(),
              times[0], median, each, moved / median, moved / median * factor, moved / each * factor,
              ok ? "ok" : "WRONG");
  std::fflush(stdout);
}

/// Measures every size of PEERS_SIZES; rank 0 prints a row for each.
inline void run(Peer& peer, const std::string& label) {
  for (const size_t bytes : sizesInBytes()) {
    const size_t count = bytes / sizeof(float);
    void* memory = nullptr;
    if (posix_memalign(&memory, 4096, bytes) != 0) {
      std::fprintf(stderr, "no memory for %zu bytes\n", bytes);
      std::exit(1);
    }
    float* values = static_cast<float*>(memory);
    peer.use(values, count);
    const bool ok = check(peer, values, count);
    std::fill(values, values + count, 0.0F);  // sums of sums would overflow
    const int iterations = chooseIterations(peer);
    std::vector<double> times;
    for (int i = 0; i < iterations; ++i) times.push_back(oneRound(peer));
    peer.maximum(times);
    const double each = backToBack(peer, iterations);
    if (peer.rank() == 0) printRow(label, peer.size(), bytes, times, each, ok);
    peer.barrier();
    peer.use(nullptr, 0);
    std::free(memory);
  }
}

}  // namespace peers
