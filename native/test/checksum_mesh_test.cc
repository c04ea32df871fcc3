#include "transport/checksum_mesh.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "collective/ring_collectives.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"
#include "transport/memory/memory_network.h"

namespace tsring {
namespace {

std::unique_ptr<Mesh> joinChecked(MemoryNetwork& network, int rank) {
  return std::make_unique<ChecksumMesh>(network.join(rank), std::vector<std::string>{"rank 0", "rank 1", "rank 2"});
}

Status sum(Mesh& mesh, std::vector<float>& values) {
  RingWorkspace workspace;
  return ringAllreduce(mesh, Team::whole(mesh.rank(), mesh.size()), std::as_writable_bytes(std::span(values)),
                       DType::kFloat32, ReduceOp::kSum, workspace, milliseconds(10'000));
}

TEST(Crc32c, IsThatOfTheStandardWhateverTheCut) {
  const std::string text = "123456789";
  EXPECT_EQ(crc32c(asBytes(text)), 0xe3069283U);
  EXPECT_EQ(crc32c({}), 0U);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(crc32c(asBytes(text).subspan(cut), crc32c(asBytes(text).first(cut))), 0xe3069283U);
  }
}

TEST(ChecksumMesh, CarriesStreamsThatComeInPiecesOfAnySize) {
  for (const size_t most : {size_t{5}, size_t{7'000}, LinkFaults::kNever}) {
    MemoryNetwork network(3);
    LinkFaults pieces;
    pieces.mostBytesPerCall = most;
    network.disturbAll(pieces);
    onRanks(3, [&](int rank) {
      const auto mesh = joinChecked(network, rank);
      for (const size_t count : {1U, 1'000U, 50'001U}) {
        if (most == 5 && count > 1'000) continue;
        std::vector<float> values(count, 1.0F);
        EXPECT_TRUE(isOk(sum(*mesh, values)));
        EXPECT_EQ(values, std::vector<float>(count, 3.0F));
      }
    });
  }
}

// Anywhere: in a header, in the first byte of a payload, in the middle, in the last.
TEST(ChecksumMesh, FindsAFlippedBitAndNamesWhoSentIt) {
  for (const size_t at : {size_t{0}, size_t{6}, size_t{11}, size_t{12}, size_t{20'000}, size_t{40'011}}) {
    MemoryNetwork network(2);
    LinkFaults flip;
    flip.flipBitAt = at;  // one step of rank 1 is 40000 bytes and a header
    network.disturb(1, 0, flip);
    onRanks(2, [&](int rank) {
      const auto mesh = joinChecked(network, rank);
      std::vector<float> values(20'000, 1.0F);
      const Status status = sum(*mesh, values);
      if (rank == 1) return;  // it sees its peer go
      EXPECT_TRUE(failsWith(StatusCode::kCorrupt, {"rank 1", "arrived damaged"}, status)) << at;
    });
  }
}

}  // namespace
}  // namespace tsring
