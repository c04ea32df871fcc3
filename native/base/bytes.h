#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tsring {

using Bytes = std::vector<std::byte>;

inline std::span<const std::byte> asBytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Appends fixed-width little-endian fields: the only way bytes for the wire are made.
class ByteWriter {
 public:
  template <typename T>
    requires std::is_integral_v<T>
  ByteWriter& put(T value) {
    using Unsigned = std::make_unsigned_t<T>;
    auto bits = static_cast<Unsigned>(value);
    for (size_t i = 0; i < sizeof(T); ++i) {
      bytes_.push_back(static_cast<std::byte>(bits & 0xff));
      if constexpr (sizeof(T) > 1) bits = static_cast<Unsigned>(bits >> 8);
    }
    return *this;
  }
  ByteWriter& put(std::span<const std::byte> raw) {
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
    return *this;
  }
  /// u32 length, then the bytes.
  ByteWriter& putString(std::string_view text) {
    put(static_cast<uint32_t>(text.size()));
    return put(asBytes(text));
  }
  size_t size() const { return bytes_.size(); }
  const Bytes& bytes() const { return bytes_; }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

/// Reads what ByteWriter wrote. A read past the end gives zero and makes `ok` false for good, so a caller checks once.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <typename T>
    requires std::is_integral_v<T>
  T get() {
    if (!has(sizeof(T))) return 0;
    std::make_unsigned_t<T> bits = 0;
    for (size_t i = 0; i < sizeof(T); ++i) {
      bits |= static_cast<std::make_unsigned_t<T>>(static_cast<std::make_unsigned_t<T>>(rest_[i]) << (8 * i));
    }
    rest_ = rest_.subspan(sizeof(T));
    return static_cast<T>(bits);
  }
  std::span<const std::byte> raw(size_t count) {
    if (!has(count)) return {};
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  std::string string() {
    const auto text = raw(get<uint32_t>());
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }
  size_t left() const { return rest_.size(); }
  bool ok() const { return ok_; }
  /// True when every read was inside the bytes and none are left over.
  bool done() const { return ok_ && rest_.empty(); }

 private:
  bool has(size_t count) {
    if (ok_ && rest_.size() >= count) return true;
    ok_ = false;
    rest_ = {};
    return false;
  }
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

}  // namespace tsring
