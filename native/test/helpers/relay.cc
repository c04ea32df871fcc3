#include "test/helpers/relay.h"

#include <poll.h>

#include <algorithm>

#include "test/helpers/waits.h"

namespace tsring {

Relay::Relay(RelayFaults faults) : faults_(faults) {
  SocketPair first = connectedPair();
  SocketPair second = connectedPair();
  caller = std::move(first.caller);
  nearCaller_ = std::move(first.called);
  nearCalled_ = std::move(second.caller);
  called = std::move(second.called);
  thread_ = std::thread([this] { run(); });
}

Relay::~Relay() {
  overheard();
}

const Bytes& Relay::overheard() {
  if (thread_.joinable()) {
    stop_.signal();
    thread_.join();
  }
  return overheard_;
}

void Relay::run() {
  for (;;) {
    pollfd polled[] = {{stop_.fd(), POLLIN, 0}, {nearCaller_.fd(), POLLIN, 0}, {nearCalled_.fd(), POLLIN, 0}};
    if (::poll(polled, 3, soon().pollTimeoutMs()) <= 0 || polled[0].revents) break;
    if (polled[1].revents && !forward(nearCaller_, nearCalled_, true)) break;
    if (polled[2].revents && !forward(nearCalled_, nearCaller_, false)) break;
  }
  nearCaller_.close();
  nearCalled_.close();
}

// False at the end of the connection, which may be one of our making.
bool Relay::forward(Socket& from, Socket& to, bool faulty) {
  Bytes bytes(faulty ? std::min(faults_.mostBytesPerWrite, faults_.cutAfter - fromCaller_) : faults_.mostBytesPerWrite);
  if (bytes.empty()) return false;
  const auto got = from.tryReceive(bytes);
  if (!got.ok()) return false;
  bytes.resize(got.value());
  if (faulty) {
    const size_t at = faults_.flipBitIn - fromCaller_;
    if (faults_.flipBitIn >= fromCaller_ && at < bytes.size()) bytes[at] ^= std::byte{1};
    fromCaller_ += bytes.size();
  }
  overheard_.insert(overheard_.end(), bytes.begin(), bytes.end());
  return to.sendAll(bytes, soon()).ok() && !(faulty && fromCaller_ == faults_.cutAfter);
}

}  // namespace tsring
