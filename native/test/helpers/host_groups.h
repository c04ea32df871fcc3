#pragma once

#include <memory>
#include <numeric>
#include <vector>

#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"
#include "transport/memory/memory_network.h"
#include "transport/shm/share_host.h"

namespace tsring {

/// Small, so that little data already takes several slots.
inline constexpr HostLayout kSmallSlots{.slotBytes = 1024, .offerBytes = 64};

/// Groups of `size` members that share a segment, by member; as threads of one process, each with a mapping of its own.
inline std::vector<std::unique_ptr<HostGroup>> hostGroups(int size, const HostLayout& layout) {
  MemoryNetwork network(size);
  std::vector<std::unique_ptr<HostGroup>> groups(static_cast<size_t>(size));
  onRanks(size, [&](int rank) {
    const auto mesh = network.join(rank);
    std::vector<int> members(static_cast<size_t>(size));
    std::iota(members.begin(), members.end(), 0);
    auto group = shareHost(*mesh, members, layout, soon());
    ASSERT_TRUE(isOk(group));
    groups[static_cast<size_t>(rank)] = std::move(group).value();
  });
  return groups;
}

}  // namespace tsring
