#include "base/status.h"

#include <cerrno>
#include <system_error>

namespace tsring {

std::string_view codeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "OK";
    case StatusCode::kInvalidArgument:
      return "RING_INVALID_ARGUMENT";
    case StatusCode::kMismatch:
      return "RING_MISMATCH";
    case StatusCode::kDuplicateName:
      return "RING_DUPLICATE_NAME";
    case StatusCode::kPeerLost:
      return "RING_PEER_LOST";
    case StatusCode::kTimeout:
      return "RING_TIMEOUT";
    case StatusCode::kConnect:
      return "RING_CONNECT";
    case StatusCode::kHandshake:
      return "RING_HANDSHAKE";
    case StatusCode::kShutDown:
      return "RING_SHUT_DOWN";
    case StatusCode::kUnsupported:
      return "RING_UNSUPPORTED";
    case StatusCode::kInternal:
      return "RING_INTERNAL";
    case StatusCode::kNotFinite:
      return "RING_NOT_FINITE";
    case StatusCode::kCorrupt:
      return "RING_CORRUPT";
  }
  return "RING_INTERNAL";
}

Status Status::withPrefix(std::string_view text) const {
  return ok() ? *this : Status(code_, std::string(text).append(message()));
}

Status Status::withSuffix(std::string_view text) const {
  return ok() ? *this : Status(code_, std::string(message()).append(text));
}

Status statusFromErrno(StatusCode code, std::string_view what, int error) {
  const bool peerGone = error == ECONNRESET || error == EPIPE || error == ECONNABORTED || error == ETIMEDOUT ||
                        error == EHOSTUNREACH || error == ENETUNREACH;
  // A connection that never came to be has not lost its peer.
  const StatusCode kind = peerGone && code != StatusCode::kConnect ? StatusCode::kPeerLost : code;
  return Status(kind, std::string(what).append(": ").append(std::generic_category().message(error)));
}

}  // namespace tsring
