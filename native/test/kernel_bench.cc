// How fast the kernels are, one line each: gigabytes (read and written) a second, median of many rounds, from the
// nearest cache and from main memory.
//
//   cmake -S . -B build/bench -DTSRING_TESTS=ON && cmake --build build/bench --target kernel_bench &&
//   build/bench/kernel_bench
//
// An argument is a part of the names that are wanted.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "kernel/cast.h"
#include "kernel/half.h"
#include "kernel/reduce.h"
#include "kernel/scale.h"

namespace tsring {
namespace {

constexpr size_t kNearBytes = 8 << 10;
constexpr size_t kFarBytes = 128 << 20;

/// `run` moves `bytes` in all.
double gigabytesPerSecond(const std::function<void()>& run, size_t bytes) {
  const size_t repeats = std::max<size_t>(1, (4 << 20) / bytes);
  std::vector<double> rates;
  for (int round = 0; round < 32; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (size_t i = 0; i < repeats; ++i) run();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    if (round > 1) rates.push_back(static_cast<double>(bytes * repeats) / took.count());
  }
  std::ranges::nth_element(rates, rates.begin() + static_cast<std::ptrdiff_t>(rates.size() / 2));
  return rates[rates.size() / 2];
}

/// Times what `body(count)` does with `count` elements of which it moves `bytesEach`.
void line(const std::string& name, const std::string& wanted, size_t bytesEach,
          const std::function<void(size_t count)>& body) {
  if (name.find(wanted) == std::string::npos) return;
  std::printf("%-28s", name.c_str());
  for (const size_t bytes : {kNearBytes, kFarBytes}) {
    const size_t count = bytes / 8;
    std::printf("%10.1f", gigabytesPerSecond([&] { body(count); }, count * bytesEach));
  }
  std::printf("\n");
  std::fflush(stdout);
}

void bench(const std::string& wanted) {
  Bytes a(kFarBytes), b(kFarBytes), c(kFarBytes), d(kFarBytes), out(kFarBytes);
  const std::byte* const four[] = {a.data(), b.data(), c.data(), d.data()};
  const auto floats = [](Bytes& bytes) { return reinterpret_cast<float*>(bytes.data()); };
  std::printf("%-28s%10s%10s  GB/s\n", "", "cache", "memory");
  for (uint8_t i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    const size_t size = elementSize(dtype);
    const std::string of = std::string(" ").append(dtypeName(dtype));
    for (const ReduceOp op : {ReduceOp::kSum, ReduceOp::kMin, ReduceOp::kProduct}) {
      line(std::string(reduceOpName(op)) + of, wanted, 3 * size,
           [&](size_t count) { combine(op, dtype, out.data(), a.data(), b.data(), count); });
    }
    line("average of 4" + of, wanted, 5 * size,
         [&](size_t count) { combineMany(ReduceOp::kAverage, dtype, out.data(), four, count, 4); });
    line("scale" + of, wanted, 2 * size, [&](size_t count) { scale(dtype, out.data(), a.data(), count, 1); });
  }
  for (const DType dtype : {DType::kFloat16, DType::kBfloat16}) {
    const std::string of = std::string(" ").append(dtypeName(dtype));
    line("pack" + of, wanted, 6, [&](size_t count) { packCast(dtype, out.data(), floats(a), count, 1); });
    line("unpack" + of, wanted, 6, [&](size_t count) { unpackCast(floats(out), dtype, a.data(), count, 1); });
    constexpr const char* kLevels[] = {" baseline", " avx2", " avx512"};
    for (int level = 0; level < 3; ++level) {
      const HalfKernels* const kernels = halfKernelsAt(dtype, static_cast<VectorLevel>(level));
      if (!kernels) continue;
      line("sum" + of + kLevels[level], wanted, 6, [&](size_t count) { kernels->sum(out.data(), four, 2, count, 1); });
      line("pack" + of + kLevels[level], wanted, 6,
           [&](size_t count) { kernels->narrow(out.data(), floats(a), count, 1); });
    }
  }
}

}  // namespace
}  // namespace tsring

int main(int argc, char** argv) {
  tsring::bench(argc > 1 ? argv[1] : "");
}
