#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "base/status.h"
#include "engine/session.h"
#include "engine/ticket.h"

namespace tsring {

/// What one JavaScript environment (the main thread, or a worker) holds of the addon: nothing is shared between
/// environments but the process-wide ticket table. Used on the environment's own thread.
class Instance {
 public:
  static Instance& of(Napi::Env env);
  explicit Instance(Napi::Env env);
  ~Instance();

  /// Hands the class of the errors that we throw and reject with.
  void setErrorClass(Napi::Function errorClass);
  /// A RingError with the status's code and message.
  Napi::Error error(Napi::Env env, const Status& status) const;

  /// Hands the class of buffers on a GPU, which results are made of.
  void setDeviceBufferClass(Napi::Function deviceBuffer) { deviceBufferClass_ = Napi::Persistent(deviceBuffer); }
  Napi::Value newDeviceBuffer(Napi::Value memory) const { return deviceBufferClass_.New({memory}); }
  bool isDeviceBuffer(Napi::Object value) const { return value.InstanceOf(deviceBufferClass_.Value()); }

  /// Keeps `values` (the typed arrays of an operation) alive until unpin(id).
  void pin(int32_t id, Napi::Object values);
  /// False when nothing was pinned under this number.
  bool unpin(int32_t id) { return pinned_.erase(id) > 0; }

  /// Runs `then` on this thread once the ticket is settled; keeps the event loop alive until then.
  void onSettled(const std::shared_ptr<Ticket>& ticket, std::function<void(Napi::Env)> then);

  /// Sessions that are open here; they are closed when the environment ends.
  void add(std::shared_ptr<Session> session) { sessions_.insert(std::move(session)); }
  void remove(const std::shared_ptr<Session>& session) { sessions_.erase(session); }
  void closeSessions();

 private:
  void settled(Napi::Env env, int32_t id);

  Napi::Env env_;
  Napi::FunctionReference errorClass_;
  Napi::FunctionReference deviceBufferClass_;
  Napi::ThreadSafeFunction settledOnThread_;
  std::unordered_map<int32_t, Napi::ObjectReference> pinned_;
  std::unordered_map<int32_t, std::function<void(Napi::Env)>> waiting_;
  std::unordered_set<std::shared_ptr<Session>> sessions_;
};

}  // namespace tsring
