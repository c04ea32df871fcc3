#include "transport/tcp/gate_link.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace tsring {
namespace {

constexpr size_t kHeaderBytes = 32;
// A payload of more is worth a call of its own rather than a copy.
constexpr size_t kCopiedBytes = 4 << 10;
constexpr size_t kLeastRoom = 4 << 10;

/// The header that `bytes` begin with, at least kHeaderBytes of them; nothing where it is none.
std::optional<GateMessage> parse(std::span<const std::byte> bytes) {
  ByteReader in(bytes.first(kHeaderBytes));
  const auto word = in.get<uint8_t>();
  const bool zeros = in.get<uint8_t>() == 0 && in.get<uint16_t>() == 0;
  const size_t payloadBytes = in.get<uint32_t>();
  const GatePosition at{in.get<uint64_t>(), in.get<uint64_t>()};
  if (word > static_cast<uint8_t>(GateWord::kHere) || !zeros || payloadBytes > kMostTravelBytes) return std::nullopt;
  return GateMessage{static_cast<GateWord>(word), payloadBytes, at, in.get<uint64_t>()};
}

/// Whether `message` follows on one that was about `last`, to a rank that is at `own`.
bool follows(const GateMessage& message, GatePosition last, GatePosition own) {
  const uint64_t begun = last.begun + (message.word == GateWord::kNotice ? 1 : 0);
  return message.at.begun == begun && message.at.passes >= last.passes && message.at.passes <= own.passes + 1;
}

/// A notice is about where its sender was.
bool isEarlier(const GateMessage& message, GatePosition own) {
  if (message.at.passes < own.passes) return true;
  return message.word == GateWord::kNotice ? message.at.begun <= own.begun : message.at.begun < own.begun;
}

}  // namespace

void GateLink::say(GateWord word, GatePosition at, uint64_t fingerprint, std::span<const std::byte> payload) {
  ByteWriter header;
  header.put(static_cast<uint8_t>(word))
      .put(uint8_t{0})
      .put(uint16_t{0})
      .put(static_cast<uint32_t>(payload.size()))
      .put(at.begun)
      .put(at.passes)
      .put(fingerprint);
  std::span<const std::byte> first(header.bytes());
  if (payload.size() > kCopiedBytes && !sending()) {
    first = first.subspan(trySend(first, Follows::kMore));
    if (first.empty()) payload = payload.subspan(trySend(payload, Follows::kNothing));
  }
  outgoing_.insert(outgoing_.end(), first.begin(), first.end());
  outgoing_.insert(outgoing_.end(), payload.begin(), payload.end());
  send();
}

void GateLink::send() {
  if (!sending()) return;
  sent_ += trySend(std::span(outgoing_).subspan(sent_), Follows::kNothing);
  if (sending()) return;
  outgoing_.clear();
  sent_ = 0;
}

size_t GateLink::trySend(std::span<const std::byte> bytes, Follows follows) {
  const auto sent = socket_.trySend(bytes, follows);
  if (!sent.ok()) ended_ = true;
  return sent.ok() ? sent.value() : 0;
}

Status GateLink::takeIn(GatePosition own) {
  for (bool all = false;;) {
    const bool had = offer_ && offer_->at == own;
    if (Status s = sort(own); !s.ok() || next_ || all) return s;
    if (!had && offer_) return Status::okay();  // what follows on it can wait
    const auto into = room();
    const auto got = socket_.tryReceive(into);
    if (!got.ok()) {
      if (got.status().code() != StatusCode::kPeerLost) return got.status();
      ended_ = true;
      return Status::okay();
    }
    held_ += got.value();
    all = got.value() < into.size();
  }
}

std::span<const std::byte> GateLink::payload() const {
  return offer_ ? std::span(incoming_).subspan(payloadAt_, offer_->payloadBytes) : std::span<const std::byte>();
}

bool GateLink::refuses(GatePosition own) const {
  if (next_ && next_->at.passes == own.passes && next_->at.begun > own.begun) return true;
  return offer_ && offer_->at == own && offer_->word == GateWord::kRefusal;
}

bool GateLink::here(GatePosition own) const {
  return saysHere(own) || next_ || (offer_ && offer_->at == own);
}

// Puts each message where it belongs, up to the first one about a later position.
Status GateLink::sort(GatePosition own) {
  next_.reset();
  if (offer_ && offer_->at != own) offer_.reset();
  if (!offer_) dropSorted();
  while (held_ - sorted_ >= kHeaderBytes) {
    const auto message = parse(std::span(incoming_).subspan(sorted_));
    const bool current = message && message->at == own && message->word != GateWord::kNotice;
    const bool offers = current && message->word != GateWord::kHere;
    if (!message || !follows(*message, last_, own) || (offers && offer_)) {
      return Status(StatusCode::kInternal, "it sent a message that makes no sense; is it the same tsring version?");
    }
    const size_t whole = kHeaderBytes + message->payloadBytes;
    wanted_ = sorted_ + whole;
    if (held_ < wanted_) break;
    if (!current && !isEarlier(*message, own)) {
      next_ = message;
      break;
    }
    if (offers) {
      offer_ = message;
      payloadAt_ = sorted_ + kHeaderBytes;
    } else if (current) {
      here_ = own;
    }
    sorted_ += whole;
    last_ = message->at;
  }
  return Status::okay();
}

// Not while an offer's payload is among it.
void GateLink::dropSorted() {
  if (sorted_ == 0) return;
  std::memmove(incoming_.data(), incoming_.data() + sorted_, held_ - sorted_);
  held_ -= sorted_;
  sorted_ = 0;
  wanted_ = 0;
}

std::span<std::byte> GateLink::room() {
  const size_t size = std::max(wanted_, held_ + kLeastRoom);
  if (incoming_.size() < size) incoming_.resize(size);
  return std::span(incoming_).subspan(held_);
}

}  // namespace tsring
