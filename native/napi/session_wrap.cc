#include "napi/session_wrap.h"

#include <algorithm>

#include "napi/arguments.h"
#include "napi/background.h"
#include "napi/device_buffer_wrap.h"
#include "napi/instance.h"

namespace tsring {
namespace {

// The engine's memory as a buffer that keeps it alive; a copy where the runtime allows no foreign memory.
Napi::Value bufferOver(Napi::Env env, std::byte* data, size_t bytes, const std::shared_ptr<Block>& memory) {
  if (bytes == 0) return Napi::ArrayBuffer::New(env, 0);
  auto* keep = new std::shared_ptr<Block>(memory);  // NOLINT: owned by the buffer, deleted with it
  napi_value buffer = nullptr;
  const napi_status status = napi_create_external_arraybuffer(
      env, data, bytes, [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<Block>*>(hint); }, keep,
      &buffer);
  if (status == napi_ok) return {env, buffer};
  delete keep;
  auto copy = Napi::ArrayBuffer::New(env, bytes);
  std::copy_n(data, bytes, static_cast<std::byte*>(copy.Data()));
  return copy;
}

/// Whether a result has its memory with it, or an operation of TensorFlow fetches that.
enum class Hands : bool { kItsMemoryOver, kNothingOver };

/// Results on a GPU are on `device`.
Napi::Value toResult(Napi::Env env, DType dtype, const Outcome& outcome, int device,
                     Hands hands = Hands::kItsMemoryOver) {
  auto result = Napi::Object::New(env);
  auto shapes = Napi::Array::New(env, outcome.shapes.size());
  for (uint32_t i = 0; i < outcome.shapes.size(); ++i) {
    auto shape = Napi::Array::New(env, outcome.shapes[i].size());
    for (uint32_t d = 0; d < outcome.shapes[i].size(); ++d)
      shape.Set(d, Napi::Number::New(env, static_cast<double>(outcome.shapes[i][d])));
    shapes.Set(i, shape);
  }
  result.Set("shapes", shapes);
  if (!outcome.splits.empty()) {
    auto splits = Napi::Array::New(env, outcome.splits.size());
    for (uint32_t i = 0; i < outcome.splits.size(); ++i)
      splits.Set(i, Napi::Number::New(env, static_cast<double>(outcome.splits[i])));
    result.Set("splits", splits);
  }
  if (outcome.lastRank >= 0) result.Set("lastRank", Napi::Number::New(env, outcome.lastRank));
  if (outcome.deviceMemory) {
    auto buffers = Napi::Array::New(env, outcome.data.size());
    for (uint32_t i = 0; i < outcome.data.size(); ++i) {
      const size_t bytes = elementCount(outcome.shapes[i]) * elementSize(dtype);
      buffers.Set(i, DeviceBufferWrap::over(env, device, outcome.data[i], bytes, outcome.deviceMemory));
    }
    result.Set("deviceBuffers", buffers);
  }
  if (!outcome.memory || hands == Hands::kNothingOver) return result;
  auto buffers = Napi::Array::New(env, outcome.data.size());
  for (uint32_t i = 0; i < outcome.data.size(); ++i) {
    const size_t bytes = elementCount(outcome.shapes[i]) * elementSize(dtype);
    buffers.Set(i, bufferOver(env, outcome.data[i], bytes, outcome.memory));
  }
  result.Set("buffers", buffers);
  return result;
}

std::shared_ptr<Ticket> requireTicket(const Napi::CallbackInfo& info) {
  const int32_t id = info[0].IsNumber() ? info[0].As<Napi::Number>().Int32Value() : 0;
  auto ticket = TicketTable::process().find(id);
  if (!ticket) throw Napi::TypeError::New(info.Env(), "ticket: there is no operation of this number");
  return ticket;
}

/// The job's session, where this one is a process set's.
std::shared_ptr<Session> parentOf(const Napi::CallbackInfo& info) {
  const Napi::Value parent = requireObject(info[0], "options").Get("parent");
  if (parent.IsUndefined()) return nullptr;
  if (!parent.IsObject() || !parent.As<Napi::Object>().InstanceOf(info.NewTarget().As<Napi::Function>()))
    throw Napi::TypeError::New(info.Env(), "parent must be a session");
  return SessionWrap::Unwrap(parent.As<Napi::Object>())->session();
}

Napi::Value reduce(Session& session, const Napi::CallbackInfo& info) {
  ArrayReduction asked = parseArrayReduction(info);
  const Outcome outcome = session.run(std::move(asked.header), std::move(asked.shapes), std::move(asked.tensors));
  if (!outcome.status.ok()) throw Instance::of(info.Env()).error(info.Env(), outcome.status);
  if (!outcome.memory) return info.Env().Undefined();
  return bufferOver(info.Env(), outcome.data.front(), asked.bytes, outcome.memory);
}

Napi::Value meet(Session& session, const Napi::CallbackInfo& info) {
  const Outcome outcome = session.run(parseBarrier(info), {}, {});
  if (!outcome.status.ok()) throw Instance::of(info.Env()).error(info.Env(), outcome.status);
  return info.Env().Undefined();
}

/// A function that has its session with it.
template <Napi::Value (*call)(Session&, const Napi::CallbackInfo&)>
Napi::Function functionOf(Napi::Env env, const std::shared_ptr<Session>& session, const char* name) {
  return Napi::Function::New(
      env, [session](const Napi::CallbackInfo& info) { return call(*session, info); }, name);
}

}  // namespace

Napi::Function SessionWrap::define(Napi::Env env) {
  return DefineClass(
      env, "Session",
      {InstanceMethod<&SessionWrap::listen>("listen"), InstanceMethod<&SessionWrap::connect>("connect"),
       InstanceMethod<&SessionWrap::submit>("submit"), InstanceMethod<&SessionWrap::run>("run"),
       InstanceMethod<&SessionWrap::prepare>("prepare"), InstanceMethod<&SessionWrap::promise>("promise"),
       InstanceMethod<&SessionWrap::wait>("wait"), InstanceMethod<&SessionWrap::settled>("settled"),
       InstanceMethod<&SessionWrap::deviceWay>("deviceWay"), InstanceMethod<&SessionWrap::directGpu>("directGpu"),
       InstanceMethod<&SessionWrap::algorithm>("algorithm"), InstanceMethod<&SessionWrap::time>("time"),
       InstanceMethod<&SessionWrap::connectedSockets>("connectedSockets"),
       InstanceMethod<&SessionWrap::trimMemory>("trimMemory"), InstanceMethod<&SessionWrap::retune>("retune"),
       InstanceMethod<&SessionWrap::startTimeline>("startTimeline"),
       InstanceMethod<&SessionWrap::stopTimeline>("stopTimeline"), InstanceMethod<&SessionWrap::close>("close")});
}

SessionWrap::SessionWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<SessionWrap>(info), session_(Session::create(parseSessionOptions(info[0]), parentOf(info))) {
  Instance::of(info.Env()).add(session_);
  // Calls that block and are small take less time than it takes to find the session by its object: these functions are
  // the object's own.
  Napi::Object self = Value();
  self.Set("reduce", functionOf<reduce>(info.Env(), session_, "reduce"));
  self.Set("meet", functionOf<meet>(info.Env(), session_, "meet"));
}

Napi::Value SessionWrap::listen(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) throw Napi::TypeError::New(info.Env(), "host must be a string");
  const auto port = session_->listen(info[0].As<Napi::String>());
  if (!port.ok()) throw Instance::of(info.Env()).error(info.Env(), port.status());
  return Napi::Number::New(info.Env(), port.value());
}

Napi::Value SessionWrap::connect(const Napi::CallbackInfo& info) {
  const auto peers = parsePeers(info[0]);
  if (!info[1].IsNumber()) throw Napi::TypeError::New(info.Env(), "timeoutMs must be a number");
  const auto deadline = Deadline::in(std::chrono::milliseconds(info[1].As<Napi::Number>().Int64Value()));
  return Background::run(info.Env(),
                         [session = session_, peers, deadline] { return session->connect(peers, deadline); });
}

Napi::Value SessionWrap::submit(const Napi::CallbackInfo& info) {
  const Napi::Object request = requireObject(info[0], "request");
  auto header = parseRequestHeader(request);
  auto shapes = parseShapes(request.Get("shapes"));
  auto tensors = parseTensors(request, header, shapes);
  Instance& instance = Instance::of(info.Env());
  const auto ticket = session_->open(std::move(header));
  instance.pin(ticket->id, request);
  if (const Status s = session_->submit(ticket, std::move(shapes), std::move(tensors)); !s.ok()) {
    instance.unpin(ticket->id);
    TicketTable::process().close(ticket->id);
    throw instance.error(info.Env(), s);
  }
  return Napi::Number::New(info.Env(), ticket->id);
}

Napi::Value SessionWrap::run(const Napi::CallbackInfo& info) {
  const Napi::Object request = requireObject(info[0], "request");
  auto header = parseRequestHeader(request);
  auto shapes = parseShapes(request.Get("shapes"));
  auto tensors = parseTensors(request, header, shapes);
  const DType dtype = header.dtype;
  const Outcome outcome = session_->run(std::move(header), std::move(shapes), std::move(tensors));
  if (!outcome.status.ok()) throw Instance::of(info.Env()).error(info.Env(), outcome.status);
  return toResult(info.Env(), dtype, outcome, session_->options().cudaDevice);
}

Napi::Value SessionWrap::prepare(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), session_->open(parseRequestHeader(requireObject(info[0], "header")))->id);
}

Napi::Value SessionWrap::promise(const Napi::CallbackInfo& info) {
  const auto ticket = requireTicket(info);
  const auto deferred = Napi::Promise::Deferred::New(info.Env());
  Instance& instance = Instance::of(info.Env());
  instance.onSettled(ticket, [ticket, deferred, &instance, device = session_->options().cudaDevice](Napi::Env env) {
    const Outcome outcome = ticket->wait(Deadline(Clock::now()));
    // A ticket whose tensors came by the TensorFlow op has nothing pinned here; the op that fetches the results ends
    // it.
    const bool ours = instance.unpin(ticket->id);
    if (ours) TicketTable::process().close(ticket->id);
    if (!outcome.status.ok()) return deferred.Reject(instance.error(env, outcome.status).Value());
    deferred.Resolve(
        toResult(env, ticket->header.dtype, outcome, device, ours ? Hands::kItsMemoryOver : Hands::kNothingOver));
  });
  return deferred.Promise();
}

Napi::Value SessionWrap::wait(const Napi::CallbackInfo& info) {
  const auto ticket = requireTicket(info);
  const Outcome outcome = ticket->wait(session_->waitDeadline());
  Instance& instance = Instance::of(info.Env());
  // Past the deadline the engine may still be using the arrays: a promise of this ticket lets them go.
  const bool ours = ticket->settled() && instance.unpin(ticket->id);
  if (ours) TicketTable::process().close(ticket->id);
  if (!outcome.status.ok()) throw instance.error(info.Env(), outcome.status);
  return toResult(info.Env(), ticket->header.dtype, outcome, session_->options().cudaDevice,
                  ours ? Hands::kItsMemoryOver : Hands::kNothingOver);
}

Napi::Value SessionWrap::settled(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), requireTicket(info)->settled());
}

Napi::Value SessionWrap::deviceWay(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), session_->deviceWay());
}

Napi::Value SessionWrap::directGpu(const Napi::CallbackInfo& info) {
  const SessionOptions& options = session_->options();
  if (options.gpuTensorsByHost) return Napi::String::New(info.Env(), "gpuTensors is 'host'");
  if (options.checkFinite) return Napi::String::New(info.Env(), "checkFinite looks at their values there");
  return Napi::Number::New(info.Env(), options.cudaDevice);
}

Napi::Value SessionWrap::algorithm(const Napi::CallbackInfo& info) {
  if (!info[0].IsNumber()) throw Napi::TypeError::New(info.Env(), "bytes must be a number");
  const auto bytes = static_cast<size_t>(std::max<int64_t>(0, info[0].As<Napi::Number>().Int64Value()));
  return Napi::String::New(info.Env(), std::string(session_->algorithm(bytes)));
}

Napi::Value SessionWrap::time(const Napi::CallbackInfo& info) {
  constexpr int64_t kMost = int64_t{1} << 40;
  const Napi::Object what = requireObject(info[0], "what to time");
  const Algorithm algorithm = parseAlgorithm(what, "algorithm");
  const auto bytes = static_cast<size_t>(requireInteger(what, "bytes", 0, kMost));
  const auto took = session_->time(algorithm, bytes, static_cast<size_t>(requireInteger(what, "rounds", 1, kMost)));
  if (!took.ok()) throw Instance::of(info.Env()).error(info.Env(), took.status());
  auto result = Napi::Float64Array::New(info.Env(), took.value().size());
  std::ranges::copy(took.value(), result.Data());
  return result;
}

Napi::Value SessionWrap::connectedSockets(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(session_->connectedSockets()));
}

void SessionWrap::trimMemory(const Napi::CallbackInfo& /*info*/) {
  session_->trimMemory();
}

Napi::Value SessionWrap::retune(const Napi::CallbackInfo& info) {
  const Napi::Object trial = requireObject(info[0], "a trial");
  const Status retuned = session_->retune({
      static_cast<size_t>(requireInteger(trial, "fusionThresholdBytes", 0, int64_t{1} << 40)),
      static_cast<uint32_t>(requireInteger(trial, "pieceBytes", kLeastPieceBytes, int64_t{1} << 30)),
      static_cast<uint32_t>(requireInteger(trial, "stepCostPercent", 1, 1'000'000)),
      static_cast<uint32_t>(requireInteger(trial, "sockets", 1, kMostSockets)),
  });
  if (!retuned.ok()) throw Instance::of(info.Env()).error(info.Env(), retuned);
  return info.Env().Undefined();
}

Napi::Value SessionWrap::startTimeline(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) throw Napi::TypeError::New(info.Env(), "file must be a string");
  const Status started = session_->startTimeline(info[0].As<Napi::String>());
  if (!started.ok()) throw Instance::of(info.Env()).error(info.Env(), started);
  return info.Env().Undefined();
}

Napi::Value SessionWrap::stopTimeline(const Napi::CallbackInfo& info) {
  return Background::run(info.Env(), [session = session_] {
    session->stopTimeline();
    return Status::okay();
  });
}

Napi::Value SessionWrap::close(const Napi::CallbackInfo& info) {
  Instance::of(info.Env()).remove(session_);
  return Background::run(info.Env(), [session = session_] {
    session->close();
    return Status::okay();
  });
}

}  // namespace tsring
