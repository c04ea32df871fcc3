#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "test/helpers/waits.h"
#include "transport/shm/gate.h"
#include "transport/tcp/message_gate.h"

namespace tsring {

/// Memory that the members of a group share as threads of one process: one mapping, so that the thread sanitizer sees
/// what they do to each other.
class PlainSegment {
 public:
  PlainSegment(size_t size, const HostLayout& layout) : pages_(HostGroup::segmentBytes(size, layout) / sizeof(Page)) {}
  std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(pages_)); }

 private:
  struct alignas(4096) Page {
    std::byte bytes[4096];
  };
  std::vector<Page> pages_;
};

/// How ranks agree: in shared memory, or by messages, by either plan.
enum class AgreementKind { kGate, kMessages, kByCores };
inline constexpr AgreementKind kAgreementKinds[] = {AgreementKind::kGate, AgreementKind::kMessages,
                                                    AgreementKind::kByCores};
inline std::string kindName(AgreementKind kind) {
  constexpr const char* kNames[] = {"Gate", "Messages", "ByCores"};
  return kNames[static_cast<size_t>(kind)];
}

/// All ranks' sides of one agreement, by rank. A rank that does not come is waited for no longer than `patience`;
/// sockets hold about `bufferBytes`, where that is given.
class Agreements {
 public:
  Agreements(AgreementKind kind, int size, milliseconds patience = std::chrono::seconds(20), int bufferBytes = 0);

  int size() const { return static_cast<int>(sides_.size()); }
  Agreement& operator[](int rank) { return *sides_[static_cast<size_t>(rank)]; }

 private:
  std::unique_ptr<PlainSegment> segment_;  // the gate's
  std::vector<std::unique_ptr<HostGroup>> groups_;
  std::vector<std::unique_ptr<Agreement>> sides_;
};

}  // namespace tsring
