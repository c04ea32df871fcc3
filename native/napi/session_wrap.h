#pragma once

#include <napi.h>

#include <memory>

#include "engine/session.h"

namespace tsring {

/// The `Session` class of lib/native/binding.ts: parses, hands over, returns.
class SessionWrap : public Napi::ObjectWrap<SessionWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit SessionWrap(const Napi::CallbackInfo& info);

  const std::shared_ptr<Session>& session() const { return session_; }

 private:
  Napi::Value listen(const Napi::CallbackInfo& info);
  Napi::Value connect(const Napi::CallbackInfo& info);
  Napi::Value submit(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value prepare(const Napi::CallbackInfo& info);
  Napi::Value promise(const Napi::CallbackInfo& info);
  Napi::Value wait(const Napi::CallbackInfo& info);
  Napi::Value settled(const Napi::CallbackInfo& info);
  Napi::Value deviceWay(const Napi::CallbackInfo& info);
  Napi::Value directGpu(const Napi::CallbackInfo& info);
  Napi::Value algorithm(const Napi::CallbackInfo& info);
  Napi::Value time(const Napi::CallbackInfo& info);
  Napi::Value connectedSockets(const Napi::CallbackInfo& info);
  void trimMemory(const Napi::CallbackInfo& info);
  Napi::Value retune(const Napi::CallbackInfo& info);
  Napi::Value startTimeline(const Napi::CallbackInfo& info);
  Napi::Value stopTimeline(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  std::shared_ptr<Session> session_;
};

}  // namespace tsring
