#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/dynamic_library.h"
#include "nccl/device_memory.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"

namespace tsring {

/// Where the driver and NCCL are the fakes that are built beside the tests. Nothing here says how a GPU behaves.
class OnFakes : public testing::Test {
 protected:
  // A GPU a rank, though they are of one process. Once loaded, the fakes are what their names stand for.
  void SetUp() override {
    ::setenv("FAKE_CUDA_DEVICES", "8", 1);
    ASSERT_TRUE(isOk(DynamicLibrary::open(TSRING_FAKES "/libcuda.so.1")));
    ASSERT_TRUE(isOk(DynamicLibrary::open(TSRING_FAKES "/libnccl.so.2")));
  }
  static constexpr const char* kVariables[] = {"FAKE_NCCL_HANG_AT", "FAKE_NCCL_ERROR_AT", "FAKE_NCCL_INIT_HANG",
                                               "FAKE_NCCL_AWAITS_KERNELS", "FAKE_CUDA_FETCH_AWAITS_STORE"};
  void TearDown() override {
    for (const char* name : kVariables) ::unsetenv(name);
  }
};

/// A copy of `values` on the GPU of this number.
template <typename T>
std::shared_ptr<DeviceMemory> onDevice(int number, const std::vector<T>& values) {
  const auto device = CudaDevice::open(cudaApi().value(), number);
  auto memory = DeviceMemory::allocate(device.value(), values.size() * sizeof(T));
  EXPECT_TRUE(isOk(memory.value()->write(0, std::as_bytes(std::span(values)), soon())));
  return memory.value();
}

template <typename T>
std::vector<T> fromDevice(const DeviceMemory& memory) {
  std::vector<T> values(memory.bytes() / sizeof(T));
  EXPECT_TRUE(isOk(memory.read(0, std::as_writable_bytes(std::span(values)), soon())));
  return values;
}

inline std::span<std::byte> all(const DeviceMemory& memory) {
  return {memory.data(), memory.bytes()};
}

}  // namespace tsring
