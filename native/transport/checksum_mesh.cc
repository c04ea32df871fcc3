#include "transport/checksum_mesh.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace tsring {

ChecksumMesh::ChecksumMesh(std::unique_ptr<Mesh> inner, std::vector<std::string> names)
    : inner_(std::move(inner)),
      names_(std::move(names)),
      outgoing_(static_cast<size_t>(inner_->size())),
      incoming_(static_cast<size_t>(inner_->size())) {}

Result<size_t> ChecksumMesh::trySend(int peer, std::span<const std::byte> bytes) {
  if (bytes.empty()) return size_t{0};
  Outgoing& frame = outgoing_[static_cast<size_t>(peer)];
  if (frame.payloadLeft == 0) {
    const auto payload = bytes.first(std::min(bytes.size(), kMostPayload));
    ByteWriter header;
    header.put(static_cast<uint32_t>(payload.size())).put(crc32c(payload));
    header.put(crc32c(header.bytes()));
    std::ranges::copy(header.bytes(), frame.header.begin());
    frame.headerLeft = kHeaderBytes;
    frame.payloadLeft = payload.size();
  }
  if (frame.headerLeft > 0) {
    const auto sent = inner_->trySend(peer, std::span(frame.header).last(frame.headerLeft));
    if (!sent.ok()) return sent;
    frame.headerLeft -= sent.value();
    if (frame.headerLeft > 0) return size_t{0};
  }
  auto sent = inner_->trySend(peer, bytes.first(std::min(bytes.size(), frame.payloadLeft)));
  if (sent.ok()) frame.payloadLeft -= sent.value();
  return sent;
}

Result<size_t> ChecksumMesh::tryReceive(int peer, std::span<std::byte> bytes) {
  if (bytes.empty()) return size_t{0};
  Incoming& frame = incoming_[static_cast<size_t>(peer)];
  if (frame.payloadLeft == 0) {
    const auto got = inner_->tryReceive(peer, std::span(frame.header).subspan(frame.headerGot));
    if (!got.ok()) return got;
    frame.headerGot += got.value();
    if (frame.headerGot < kHeaderBytes) return size_t{0};
    frame.headerGot = 0;
    ByteReader header(frame.header);
    const auto length = header.get<uint32_t>();
    frame.expected = header.get<uint32_t>();
    const bool whole = header.get<uint32_t>() == crc32c(std::span(frame.header).first(2 * sizeof(uint32_t)));
    if (!whole || length == 0 || length > kMostPayload) return damaged(peer);
    frame.payloadLeft = length;
    frame.crc = 0;
  }
  auto got = inner_->tryReceive(peer, bytes.first(std::min(bytes.size(), frame.payloadLeft)));
  if (!got.ok()) return got;
  frame.crc = crc32c(bytes.first(got.value()), frame.crc);
  frame.payloadLeft -= got.value();
  if (frame.payloadLeft == 0 && frame.crc != frame.expected) return damaged(peer);
  return got;
}

Status ChecksumMesh::damaged(int peer) const {
  return Status(StatusCode::kCorrupt,
                names_[static_cast<size_t>(peer)] +
                    ": what it sent arrived damaged, its checksum does not match: look at the network "
                    "cards, cables and memory of both ends");
}

}  // namespace tsring
