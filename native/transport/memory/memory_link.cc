#include "transport/memory/memory_link.h"

#include <algorithm>

namespace tsring {

Result<size_t> MemoryLink::send(std::span<const std::byte> bytes) {
  if (broken() || receiverGone_) return Status(StatusCode::kPeerLost, "the connection was closed");
  const size_t room = std::min(capacity_ - bytes_.size(), faults_.cutAfter - sent_);
  const size_t count = limit(std::min(bytes.size(), room));
  if (count == 0) return size_t{0};
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
  if (faults_.flipBitAt >= sent_ && faults_.flipBitAt - sent_ < count) {
    *(bytes_.end() - static_cast<std::ptrdiff_t>(sent_ + count - faults_.flipBitAt)) ^= std::byte{0x10};
  }
  sent_ += count;
  parcels_.push_back({sent_, Clock::now() + faults_.delay});
  return count;
}

Result<size_t> MemoryLink::receive(std::span<std::byte> bytes) {
  if (bytes.empty()) return size_t{0};
  if (ended()) return Status(StatusCode::kPeerLost, "the connection was closed");
  const size_t count = limit(std::min(bytes.size(), arrived()));
  const auto end = bytes_.begin() + static_cast<std::ptrdiff_t>(count);
  std::copy(bytes_.begin(), end, bytes.begin());
  bytes_.erase(bytes_.begin(), end);
  received_ += count;
  while (!parcels_.empty() && parcels_.front().end <= received_) parcels_.pop_front();
  return count;
}

Clock::time_point MemoryLink::nextArrival() const {
  const auto now = Clock::now();
  for (const Parcel& parcel : parcels_) {
    if (parcel.arrives > now) return parcel.arrives;
  }
  return Clock::time_point::max();
}

// Nothing more will come: the sender is gone, or the link is cut, and its last byte has been received. Behind a stall
// nobody learns of it.
bool MemoryLink::ended() const {
  return (senderGone_ || broken()) && received_ == sent_ && sent_ <= faults_.stallAfter;
}

size_t MemoryLink::arrived() const {
  const auto now = Clock::now();
  size_t end = received_;
  for (const Parcel& parcel : parcels_) {
    if (parcel.arrives > now) break;
    end = parcel.end;
  }
  return std::max(std::min(end, faults_.stallAfter), received_) - received_;
}

size_t MemoryLink::limit(size_t bytes) {
  if (faults_.mostBytesPerCall == LinkFaults::kNever) return bytes;
  return std::min(bytes, std::uniform_int_distribution<size_t>(0, faults_.mostBytesPerCall)(random_));
}

}  // namespace tsring
