#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "transport/mesh.h"

namespace tsring {

/// Another mesh, whose bytes travel in frames with a checksum: what was damaged on the way is an error that names the
/// sender, and not a wrong sum. TCP's own checksum misses one in some tens of thousands of damaged packets, and does
/// not cover what happens in a network card or in memory.
///
/// A frame is a header of 12 bytes (payload length u32, CRC-32C of the payload u32, CRC-32C of the two u32;
/// little-endian) and its payload of 1 to 65536 bytes. Bytes are handed on as they arrive; the last of a frame only if
/// its checksum is right, so that no operation ends well with damaged data.
class ChecksumMesh final : public Mesh {
 public:
  /// `names` by rank, for messages. All ranks must do the same.
  ChecksumMesh(std::unique_ptr<Mesh> inner, std::vector<std::string> names);

  int rank() const override { return inner_->rank(); }
  int size() const override { return inner_->size(); }
  /// What was not sent of `bytes` is to be offered again, as it is.
  Result<size_t> trySend(int peer, std::span<const std::byte> bytes) override;
  /// Fails with kCorrupt too.
  Result<size_t> tryReceive(int peer, std::span<std::byte> bytes) override;
  Status wait(std::span<const Interest> interests, Deadline deadline) override {
    return inner_->wait(interests, deadline);
  }
  void interrupt() override { inner_->interrupt(); }

 private:
  static constexpr size_t kHeaderBytes = 12;
  static constexpr size_t kMostPayload = 64 << 10;
  struct Outgoing {
    std::array<std::byte, kHeaderBytes> header{};
    size_t headerLeft = 0;
    size_t payloadLeft = 0;
  };
  struct Incoming {
    std::array<std::byte, kHeaderBytes> header{};
    size_t headerGot = 0;
    size_t payloadLeft = 0;
    uint32_t expected = 0;
    uint32_t crc = 0;
  };
  Status damaged(int peer) const;

  const std::unique_ptr<Mesh> inner_;
  const std::vector<std::string> names_;
  std::vector<Outgoing> outgoing_;
  std::vector<Incoming> incoming_;
};

}  // namespace tsring
