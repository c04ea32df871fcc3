#include "collective/topology.h"

#include <gtest/gtest.h>

namespace tsring {
namespace {

using Names = std::vector<std::string>;
using Hosts = std::vector<std::vector<int>>;

TEST(Topology, GroupsRanksByHostInAnyOrder) {
  const Names byNode = {"b", "b", "a", "a"};
  EXPECT_EQ(Topology::of(byNode, 0).hosts, (Hosts{{0, 1}, {2, 3}}));
  const Names bySlot = {"x", "y", "x", "y", "x", "y"};
  for (int rank = 0; rank < 6; ++rank) {
    const Topology topology = Topology::of(bySlot, rank);
    EXPECT_EQ(topology.hosts, (Hosts{{0, 2, 4}, {1, 3, 5}}));
    EXPECT_EQ(topology.neighbours()[topology.place], rank);
    EXPECT_TRUE(topology.twoLevels());
  }
  const Team across = Topology::of(bySlot, 3).acrossHosts();
  EXPECT_EQ(across.ranks, (std::vector<int>{2, 3}));
  EXPECT_EQ(across.index, 1u);
}

TEST(Topology, TwoLevelsWantSeveralHostsWithEquallyManyRanks) {
  EXPECT_FALSE(Topology::of(Names{"a", "a"}, 0).twoLevels());
  EXPECT_FALSE(Topology::of(Names{"a", "b", "c"}, 1).twoLevels());
  EXPECT_FALSE(Topology::of(Names{"a", "b", "b", "b"}, 2).twoLevels());
  EXPECT_FALSE(Topology::of(Names{"a", "b", "b", "b"}, 0).twoLevels());
}

TEST(Topology, ARankWithoutAHostNameIsAlone) {
  const Names unnamed = {"", "a", "", "a"};
  EXPECT_EQ(Topology::of(unnamed, 2).hosts, (Hosts{{0}, {1, 3}, {2}}));
  EXPECT_EQ(Topology::of(unnamed, 2).host, 2u);
}

}  // namespace
}  // namespace tsring
