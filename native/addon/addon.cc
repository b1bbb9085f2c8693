// The addon's exports: see NativeAddon in src/native.ts. Thin: arguments in, errno and bytes out.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>

#include "burst.h"
#include "datagram.h"
#include "environment.h"
#include "inotify.h"
#include "node_api_cpp.h"

namespace finit {

Environment::Environment(Napi::Env env) : env_(env), loop_(std::make_unique<Loop>()) {
  const auto call = [](napi_env napi_environment, napi_value, void*, void* data) {
    std::unique_ptr<Message> message(static_cast<Message*>(data));
    if (napi_environment == nullptr) return;  // the environment is ending: only free the message
    Napi::Env env(napi_environment);
    Napi::HandleScope scope(env);
    (*message)(env);
  };
  const auto name = Napi::String::New(env, "node-finit");
  const napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, nullptr,
                                                             call, &queue_);
  NAPI_THROW_IF_FAILED_VOID(env, status);
  napi_unref_threadsafe_function(env, queue_);
  // Hooks run last in, first out: the thread is joined before Node takes the queue down.
  env.AddCleanupHook([this] { end(); });
}

Environment::~Environment() = default;

void Environment::end() {
  loop_.reset();
  if (queue_ != nullptr) napi_release_threadsafe_function(std::exchange(queue_, nullptr), napi_tsfn_abort);
}

void Environment::to_javascript(Message&& message) {
  auto owned = std::make_unique<Message>(std::move(message));
  if (napi_call_threadsafe_function(queue_, owned.get(), napi_tsfn_nonblocking) == napi_ok) owned.release();
}

void Environment::hold() {
  if (held_++ == 0) napi_ref_threadsafe_function(env_, queue_);
}

void Environment::release() {
  if (--held_ == 0) napi_unref_threadsafe_function(env_, queue_);
}

namespace {

struct Bytes {
  const uint8_t* data;
  size_t length;
};

bool is_bytes(const Napi::Value& value) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
}

Bytes bytes(const Napi::Value& value) {
  const auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ByteLength()};
}

Napi::Value type_error(Napi::Env env, const char* message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

Napi::Object outcome_object(Napi::Env env, const BurstOutcome& outcome) {
  auto replies = Napi::Array::New(env, outcome.replies.size());
  for (uint32_t i = 0; i < outcome.replies.size(); i++)
    replies.Set(i, Napi::Buffer<uint8_t>::Copy(env, outcome.replies[i].data(), outcome.replies[i].size()));
  auto result = Napi::Object::New(env);
  result.Set("errno", outcome.error);
  result.Set("syscall", outcome.syscall);
  result.Set("replies", replies);
  return result;
}

Napi::Value on_burst(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsObject()) return type_error(env, "a burst request is expected");
  const auto request = info[0].As<Napi::Object>();
  BurstSpec spec;
  spec.address.sun_family = AF_UNIX;
  const std::string path = request.Get("path").ToString();
  const auto requests = request.Get("requests");
  if (!requests.IsArray() || requests.As<Napi::Array>().Length() == 0) return type_error(env, "requests: a non-empty array");
  const auto list = requests.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::Value item = list[i];
    if (!is_bytes(item)) return type_error(env, "requests: Uint8Arrays are expected");
    const auto [data, length] = bytes(item);
    spec.requests.emplace_back(data, data + length);
  }
  const auto markers = request.Get("endMarkers");
  if (!markers.IsTypedArray() || markers.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array)
    return type_error(env, "endMarkers: a Uint32Array is expected");
  const auto pairs = markers.As<Napi::Uint32Array>();
  spec.end_markers.assign(pairs.Data(), pairs.Data() + pairs.ElementLength());
  spec.repeat = request.Get("repeat").ToBoolean();
  spec.limit = request.Get("limit").ToNumber().Uint32Value();
  spec.window = std::max(1u, request.Get("window").ToNumber().Uint32Value());
  spec.timeout_ms = std::max(int64_t{0}, request.Get("timeout").ToNumber().Int64Value());
  if (env.IsExceptionPending()) return env.Undefined();

  auto& environment = Environment::of(env);
  auto deferred = Napi::Promise::Deferred::New(env);
  const auto settle = [&environment, deferred](Napi::Env env, const BurstOutcome& outcome) {
    deferred.Resolve(outcome_object(env, outcome));
    environment.release();
  };
  const uint64_t id = environment.next_id();
  auto under_way = Napi::Object::New(env);
  under_way.Set("id", static_cast<double>(id));
  under_way.Set("result", deferred.Promise());
  environment.hold();
  if (path.size() >= sizeof spec.address.sun_path || path.find('\0') != std::string::npos) {
    settle(env, {ENAMETOOLONG, "connect", {}});
    return under_way;
  }
  memcpy(spec.address.sun_path, path.data(), path.size());
  spec.address_length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);

  auto task = std::make_unique<Burst>(std::move(spec), [&environment, settle](BurstOutcome&& outcome) {
    environment.to_javascript([settle, outcome = std::move(outcome)](Napi::Env env) { settle(env, outcome); });
  });
  const int error = environment.loop().post(Environment::task_id(id), std::move(task));
  if (error != 0) settle(env, {error, "pthread_create", {}});
  return under_way;
}

Napi::Value on_cancel(const Napi::CallbackInfo& info) {
  const auto id = static_cast<uint64_t>(info[0].ToNumber().Int64Value());
  Environment::of(info.Env()).loop().cancel(Environment::task_id(id));
  return info.Env().Undefined();
}

Napi::Value on_send_datagram(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!is_bytes(info[0]) || !is_bytes(info[1])) return type_error(env, "an address and a payload are expected");
  const auto address = bytes(info[0]);
  const auto payload = bytes(info[1]);
  auto& sender = Environment::of(env).datagram_sender;
  return Napi::Number::New(env, send_datagram(sender, address.data, address.length, payload.data, payload.length));
}

Napi::Value on_send_descriptor(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!is_bytes(info[1])) return type_error(env, "a descriptor and a payload are expected");
  const auto payload = bytes(info[1]);
  return Napi::Number::New(env, send_descriptor(info[0].ToNumber().Int32Value(), payload.data, payload.length));
}

Napi::Value on_socket_type(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), socket_type(info[0].ToNumber().Int32Value()));
}

}  // namespace

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment(env));
  exports.Set("burst", Napi::Function::New<on_burst>(env, "burst"));
  exports.Set("cancel", Napi::Function::New<on_cancel>(env, "cancel"));
  exports.Set("sendDatagram", Napi::Function::New<on_send_datagram>(env, "sendDatagram"));
  exports.Set("sendDescriptor", Napi::Function::New<on_send_descriptor>(env, "sendDescriptor"));
  exports.Set("socketType", Napi::Function::New<on_socket_type>(env, "socketType"));
  exports.Set("Inotify", Inotify::define(env));
  return exports;
}

}  // namespace finit

static Napi::Object init(Napi::Env env, Napi::Object exports) { return finit::initialize(env, exports); }
NODE_API_MODULE(NODE_GYP_MODULE_NAME, init)
