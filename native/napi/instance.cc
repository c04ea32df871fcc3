#include "napi/instance.h"

namespace tsring {

Instance& Instance::of(Napi::Env env) {
  return *env.GetInstanceData<Instance>();
}

Instance::Instance(Napi::Env env)
    : env_(env),
      settledOnThread_(Napi::ThreadSafeFunction::New(env, Napi::Function::New(env, [](const Napi::CallbackInfo&) {}),
                                                     "tsring", 0, 1)) {
  settledOnThread_.Unref(env);
  // Added after the thread-safe function, so run before it goes: the engine's threads must be gone by then.
  env.AddCleanupHook([this] { closeSessions(); });
}

Instance::~Instance() {
  closeSessions();
}

void Instance::setErrorClass(Napi::Function errorClass) {
  errorClass_ = Napi::Persistent(errorClass);
}

Napi::Error Instance::error(Napi::Env env, const Status& status) const {
  const std::string code(codeName(status.code()));
  const std::string message(status.message());
  if (errorClass_.IsEmpty()) return Napi::Error::New(env, code + ": " + message);
  return {env, errorClass_.New({Napi::String::New(env, code), Napi::String::New(env, message)})};
}

void Instance::pin(int32_t id, Napi::Object values) {
  pinned_.emplace(id, Napi::Persistent(values));
}

void Instance::onSettled(const std::shared_ptr<Ticket>& ticket, std::function<void(Napi::Env)> then) {
  if (waiting_.empty()) settledOnThread_.Ref(env_);
  waiting_.emplace(ticket->id, std::move(then));
  ticket->onSettled([this, id = ticket->id] {
    settledOnThread_.NonBlockingCall([this, id](Napi::Env env, Napi::Function) { settled(env, id); });
  });
}

void Instance::settled(Napi::Env env, int32_t id) {
  const auto it = waiting_.find(id);
  if (it == waiting_.end()) return;
  const auto then = std::move(it->second);
  waiting_.erase(it);
  if (waiting_.empty()) settledOnThread_.Unref(env);
  then(env);
}

void Instance::closeSessions() {
  for (const auto& session : std::exchange(sessions_, {})) session->close();
}

}  // namespace tsring
