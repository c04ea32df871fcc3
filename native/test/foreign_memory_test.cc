// On a fake driver.
#include "nccl/foreign_memory.h"

#include "test/helpers/fake_gpus.h"

namespace tsring {
namespace {

class ForeignMemory : public OnFakes {
 protected:
  void TearDown() override {
    ::unsetenv("FAKE_CUDA_POINTERS_ON");
    OnFakes::TearDown();
  }
};

TEST_F(ForeignMemory, IsOnOurGpuOrSaysWhereItIs) {
  const auto memory = onDevice(2, std::vector<float>{1, 2, 3});
  const auto gpu = openGpu(2);
  ASSERT_TRUE(isOk(gpu));
  ::setenv("FAKE_CUDA_POINTERS_ON", "2", 1);
  EXPECT_TRUE(isOk(checkIsOn(*gpu.value(), memory->data() + 4)));
  EXPECT_TRUE(isOk(awaitEveryone(*gpu.value())));
  ::setenv("FAKE_CUDA_POINTERS_ON", "5", 1);
  EXPECT_TRUE(failsWith(StatusCode::kUnsupported, {"on GPU 5", "GPU 2"}, checkIsOn(*gpu.value(), memory->data())));
  const float local = 1;
  EXPECT_TRUE(failsWith(StatusCode::kUnsupported, {"main memory"}, checkIsOn(*gpu.value(), &local)));
  EXPECT_TRUE(failsWith(StatusCode::kUnsupported, {"main memory"}, checkIsOn(*gpu.value(), nullptr)));
}

}  // namespace
}  // namespace tsring
