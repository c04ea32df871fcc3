#include "base/bytes.h"

#include <gtest/gtest.h>

#include <limits>

#include "test/helpers/sockets.h"

namespace tsring {
namespace {

TEST(Bytes, FieldsComeBackAsTheyWerePut) {
  const Bytes bytes = ByteWriter()
                          .put(uint8_t{200})
                          .put(uint16_t{0xabcd})
                          .put(int32_t{-5})
                          .put(std::numeric_limits<uint64_t>::max())
                          .put(std::numeric_limits<int64_t>::min())
                          .putString("näme")
                          .putString("")
                          .put(bytesOf("raw"))
                          .take();
  ByteReader in(bytes);
  EXPECT_EQ(in.get<uint8_t>(), 200);
  EXPECT_EQ(in.get<uint16_t>(), 0xabcd);
  EXPECT_EQ(in.get<int32_t>(), -5);
  EXPECT_EQ(in.get<uint64_t>(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(in.get<int64_t>(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(in.string(), "näme");
  EXPECT_EQ(in.string(), "");
  EXPECT_FALSE(in.done());
  EXPECT_EQ(in.raw(3).size(), 3u);
  EXPECT_TRUE(in.done());
}

TEST(Bytes, IntegersAreLittleEndian) {
  EXPECT_EQ(ByteWriter().put(uint32_t{0x04030201}).bytes(),
            (Bytes{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}}));
}

TEST(Bytes, AReadPastTheEndGivesZeroAndStaysWrong) {
  const Bytes bytes = ByteWriter().put(uint16_t{0xffff}).take();
  ByteReader in(bytes);
  EXPECT_EQ(in.get<uint32_t>(), 0u);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.get<uint8_t>(), 0);  // though one was there
  EXPECT_EQ(in.left(), 0u);
  EXPECT_FALSE(in.done());
}

TEST(Bytes, AStringLongerThanWhatIsThereIsEmptyAndWrong) {
  const Bytes bytes = ByteWriter().put(std::numeric_limits<uint32_t>::max()).put(bytesOf("short")).take();
  ByteReader in(bytes);
  EXPECT_EQ(in.string(), "");
  EXPECT_FALSE(in.ok());
}

}  // namespace
}  // namespace tsring
