#pragma once

#include <napi.h>

#include <functional>

#include "base/status.h"
#include "napi/instance.h"

namespace tsring {

/// Runs `work` on a thread of libuv's pool; the promise settles with its status.
class Background : public Napi::AsyncWorker {
 public:
  static Napi::Promise run(Napi::Env env, std::function<Status()> work) {
    auto* background = new Background(env, std::move(work));  // NOLINT: AsyncWorker deletes itself
    const auto promise = background->deferred_.Promise();
    background->Queue();
    return promise;
  }

 protected:
  void Execute() override { status_ = work_(); }
  void OnOK() override {
    if (status_.ok()) {
      deferred_.Resolve(Env().Undefined());
    } else {
      deferred_.Reject(Instance::of(Env()).error(Env(), status_).Value());
    }
  }

 private:
  Background(Napi::Env env, std::function<Status()> work)
      : Napi::AsyncWorker(env), work_(std::move(work)), deferred_(Napi::Promise::Deferred::New(env)) {}

  std::function<Status()> work_;
  Status status_;
  Napi::Promise::Deferred deferred_;
};

}  // namespace tsring
