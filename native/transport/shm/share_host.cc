#include "transport/shm/share_host.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace tsring {
namespace {

constexpr size_t kInviteBytes = 24;
using Invite = std::array<std::byte, kInviteBytes>;
using OneByte = std::array<std::byte, 1>;

Status sendAll(Mesh& mesh, int peer, std::span<const std::byte> bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const auto sent = mesh.trySend(peer, bytes);
    if (!sent.ok()) return sent.status();
    bytes = bytes.subspan(sent.value());
    const Interest interest{peer, true, false};
    if (sent.value() > 0) continue;
    if (Status s = mesh.wait({&interest, 1}, deadline); !s.ok()) return s;
  }
  return Status::okay();
}

Status receiveAll(Mesh& mesh, int peer, std::span<std::byte> bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const auto got = mesh.tryReceive(peer, bytes);
    if (!got.ok()) return got.status();
    bytes = bytes.subspan(got.value());
    const Interest interest{peer, false, true};
    if (got.value() > 0) continue;
    if (Status s = mesh.wait({&interest, 1}, deadline); !s.ok()) return s;
  }
  return Status::okay();
}

OneByte answer(bool yes) {
  return {std::byte{yes}};
}

/// The first member: makes the memory, asks the others to open it, and tells them whether all could.
Result<SharedMemory> host(Mesh& mesh, std::span<const int> others, size_t bytes, Deadline deadline) {
  auto memory = SharedMemory::create(bytes);
  Status verdict = memory.ok() ? Status::okay() : memory.status();
  ByteWriter out;
  out.put(uint32_t{memory.ok()})
      .put(memory.ok() ? memory.value().fd() : -1)
      .put(int64_t{::getpid()})
      .put(uint64_t{bytes});
  for (const int other : others) {
    if (Status s = sendAll(mesh, other, out.bytes(), deadline); !s.ok()) return s;
  }
  for (const int other : others) {
    OneByte opened;
    if (Status s = receiveAll(mesh, other, opened, deadline); !s.ok()) return s;
    if (verdict.ok() && opened != answer(true)) {
      verdict = Status(StatusCode::kUnsupported,
                       "rank " + std::to_string(other) + " cannot open memory of rank " + std::to_string(mesh.rank()));
    }
  }
  for (const int other : others) {
    if (Status s = sendAll(mesh, other, answer(verdict.ok()), deadline); !s.ok()) return s;
  }
  if (!verdict.ok()) return verdict;
  return memory;
}

Result<SharedMemory> join(Mesh& mesh, int first, size_t bytes, Deadline deadline) {
  Invite invite;
  if (Status s = receiveAll(mesh, first, invite, deadline); !s.ok()) return s;
  ByteReader in(invite);
  const bool made = in.get<uint32_t>() == 1;
  const auto fd = in.get<int32_t>();
  const auto pid = in.get<int64_t>();
  const bool same = in.get<uint64_t>() == bytes;
  auto memory = made && same ? SharedMemory::open(pid, fd, bytes)
                             : Result<SharedMemory>(Status(StatusCode::kUnsupported,
                                                           "rank " + std::to_string(first) + " has none to share"));
  if (Status s = sendAll(mesh, first, answer(memory.ok()), deadline); !s.ok()) return s;
  OneByte all;
  if (Status s = receiveAll(mesh, first, all, deadline); !s.ok()) return s;
  if (memory.ok() && all != answer(true))
    return Status(StatusCode::kUnsupported, "another rank of this host cannot open it");
  return memory;
}

}  // namespace

Result<std::unique_ptr<HostGroup>> shareHost(Mesh& mesh, std::span<const int> members, const HostLayout& layout,
                                             Deadline deadline) {
  const size_t bytes = HostGroup::segmentBytes(members.size(), layout);
  const bool first = members.front() == mesh.rank();
  auto memory = first ? host(mesh, members.subspan(1), bytes, deadline) : join(mesh, members.front(), bytes, deadline);
  if (!memory.ok()) return memory.status();
  memory.value().closeDescriptor();
  const auto index = static_cast<size_t>(std::ranges::find(members, mesh.rank()) - members.begin());
  return std::make_unique<HostGroup>(std::move(memory).value(), index, members.size(), layout);
}

}  // namespace tsring
