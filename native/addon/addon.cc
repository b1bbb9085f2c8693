// The addon's exports: see NativeAddon in src/native.ts. Thin: arguments in, errno and bytes out.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>

#include "burst.h"
#include "datagram.h"
#include "exec.h"
#include "environment.h"
#include "fd.h"
#include "inotify.h"
#include "node_api_cpp.h"
#include "notify.h"
#include "stream.h"
#include "watchdog.h"

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
  locks.clear();
  loop_.reset();
  hangups.clear();
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

// What a burst's outcome is told in: three numbers, then the lengths of the answers.
constexpr size_t kOutcomeNumbers = 3;

void tell(uint32_t* told, const BurstOutcome& outcome) {
  told[0] = static_cast<uint32_t>(outcome.error);
  told[1] = static_cast<uint32_t>(outcome.syscall);
  told[2] = static_cast<uint32_t>(outcome.answers);
}

bool is_numbers(const Napi::Value& value) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint32_array;
}

// burst(path, requests, arena, outcome, window, timeout, patience, endMarkers?): see NativeAddon in src/native.ts. Positional, because
// looking up a property of an object takes as long as a system call.
Napi::Value on_burst(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  BurstSpec spec;
  spec.address.sun_family = AF_UNIX;
  if (!info[0].IsString()) return type_error(env, "a path is expected");
  size_t path_length = 0;
  char path[sizeof spec.address.sun_path + 1];
  napi_get_value_string_utf8(env, info[0], path, sizeof path, &path_length);
  if (!info[1].IsArray()) return type_error(env, "requests: an array is expected");
  const auto requests = info[1].As<Napi::Array>();
  const uint32_t count = requests.Length();
  if (count == 0) return type_error(env, "requests: at least one is expected");
  spec.requests.reserve(count);
  for (uint32_t i = 0; i < count; i++) {
    const Napi::Value item = requests[i];
    if (!is_bytes(item)) return type_error(env, "requests: Uint8Arrays are expected");
    const auto [data, length] = bytes(item);
    spec.requests.emplace_back(data, data + length);
  }
  const Napi::Value arena = info[2], outcome = info[3], markers = info[7];
  if (!is_bytes(arena)) return type_error(env, "arena: a Uint8Array is expected");
  if (!is_numbers(outcome)) return type_error(env, "outcome: a Uint32Array is expected");
  const auto [arena_data, arena_size] = bytes(arena);
  spec.arena = const_cast<uint8_t*>(arena_data);
  spec.arena_size = arena_size;
  auto numbers = outcome.As<Napi::Uint32Array>();
  uint32_t* const told = numbers.Data();
  const size_t room = numbers.ElementLength();
  spec.repeat = is_numbers(markers);
  if (room < kOutcomeNumbers + (spec.repeat ? 1 : count)) return type_error(env, "outcome: no room for the lengths");
  spec.lengths = told + kOutcomeNumbers;
  spec.limit = room - kOutcomeNumbers;
  if (spec.repeat) {
    const auto pairs = markers.As<Napi::Uint32Array>();
    spec.end_markers.assign(pairs.Data(), pairs.Data() + pairs.ElementLength());
  }
  if (!info[4].IsNumber() || !info[5].IsNumber() || !info[6].IsNumber())
    return type_error(env, "window, timeout and patience: numbers are expected");
  spec.window = std::max(1u, info[4].As<Napi::Number>().Uint32Value());
  spec.timeout_ms = std::max(int64_t{0}, info[5].As<Napi::Number>().Int64Value());
  const auto patience = std::chrono::microseconds(info[6].As<Napi::Number>().Uint32Value());

  if (path_length >= sizeof spec.address.sun_path || memchr(path, 0, path_length) != nullptr) {
    tell(told, {ENAMETOOLONG, Syscall::connect, 0});
    return env.Undefined();
  }
  memcpy(spec.address.sun_path, path, path_length);
  spec.address_length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_length + 1);
  auto task = std::make_unique<Burst>(std::move(spec), [told](BurstOutcome&& result) { tell(told, result); });
  if (patience.count() > 0 && task->attempt(patience)) return env.Undefined();

  auto& environment = Environment::of(env);
  auto deferred = Napi::Promise::Deferred::New(env);
  // Keep the memory where it is.
  auto held = std::make_shared<std::pair<Napi::Reference<Napi::Value>, Napi::Reference<Napi::Value>>>(
      Napi::Persistent(arena), Napi::Persistent(outcome));
  const auto settle = [&environment, deferred, held](Napi::Env env) {
    held->first.Reset();
    held->second.Reset();
    deferred.Resolve(env.Undefined());
    environment.release();
  };
  environment.hold();
  task->on_done([&environment, settle, told](BurstOutcome&& result) {
    tell(told, result);
    environment.to_javascript(settle);
  });
  const uint64_t id = environment.next_id();
  const int error = environment.loop().post(Environment::task_id(id), std::move(task));
  if (error != 0) {
    tell(told, {error, Syscall::pthread_create, 0});
    settle(env);
  }
  auto under_way = Napi::Object::New(env);
  under_way.Set("id", static_cast<double>(id));
  under_way.Set("result", deferred.Promise());
  return under_way;
}

Napi::Value on_lock(const Napi::CallbackInfo& info) {
  const std::string path = text_of(info[0]);
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return Napi::Number::New(info.Env(), -errno);
  const int lock = fd.get();
  Environment::of(info.Env()).locks[lock] = std::move(fd);
  return Napi::Number::New(info.Env(), lock);
}

Napi::Value on_unlock(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).locks.erase(descriptor_of(info[0]));
  return info.Env().Undefined();
}

Napi::Value on_cancel(const Napi::CallbackInfo& info) {
  const auto id = id_of(info[0]);
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
  return Napi::Number::New(env, send_descriptor(descriptor_of(info[0]), payload.data, payload.length));
}

Napi::Value on_socket_type(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), socket_type(descriptor_of(info[0])));
}

// exec(path, arguments, keep)
Napi::Value on_exec(const Napi::CallbackInfo& info) {
  std::vector<std::string> arguments;
  std::vector<int> keep;
  const auto texts = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i < texts.Length(); i++) arguments.push_back(text_of(texts.Get(i)));
  const auto numbers = info[2].As<Napi::Array>();
  for (uint32_t i = 0; i < numbers.Length(); i++) keep.push_back(descriptor_of(numbers.Get(i)));
  return Napi::Number::New(info.Env(), exec(text_of(info[0]), arguments, keep));
}

// openStream(path, request)
Napi::Value on_open_stream(const Napi::CallbackInfo& info) {
  if (!is_bytes(info[1])) return type_error(info.Env(), "a path and a request are expected");
  const auto request = bytes(info[1]);
  const std::string path = text_of(info[0]);
  return Napi::Number::New(info.Env(), open_stream(path.c_str(), request.data, request.length));
}

// readStream(fd, buffer, timeout)
Napi::Value on_read_stream(const Napi::CallbackInfo& info) {
  if (!is_bytes(info[1])) return type_error(info.Env(), "a descriptor and a buffer are expected");
  auto buffer = info[1].As<Napi::Uint8Array>();
  const int fd = descriptor_of(info[0]);
  const int timeout = int32_of(info[2], 0);
  return Napi::Number::New(info.Env(), read_stream(fd, buffer.Data(), buffer.ByteLength(), timeout));
}

// closeStream(fd)
Napi::Value on_close_stream(const Napi::CallbackInfo& info) {
  Fd closed(descriptor_of(info[0]));
  return info.Env().Undefined();
}

// watchdogSupport(fd)
Napi::Value on_watchdog_support(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  watchdog_info support{};
  const int error = watchdog_support(descriptor_of(info[0]), support);
  if (error != 0) return Napi::Number::New(env, error);
  auto result = Napi::Object::New(env);
  result.Set("options", support.options);
  result.Set("firmware", support.firmware_version);
  const auto* identity = reinterpret_cast<const char*>(support.identity);
  result.Set("identity", std::string(identity, ::strnlen(identity, sizeof(support.identity))));
  return result;
}

WatchdogValue watchdog_value(const Napi::Value& value) {
  return static_cast<WatchdogValue>(int32_of(value, -1));
}

// watchdogGet(fd, what)
Napi::Value on_watchdog_get(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), watchdog_get(descriptor_of(info[0]), watchdog_value(info[1])));
}

// watchdogSet(fd, what, value)
Napi::Value on_watchdog_set(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), watchdog_set(descriptor_of(info[0]), watchdog_value(info[1]),
                                                    int32_of(info[2], -1)));
}

}  // namespace

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment(env));
  exports.Set("burst", Napi::Function::New<on_burst>(env, "burst"));
  exports.Set("lock", Napi::Function::New<on_lock>(env, "lock"));
  exports.Set("unlock", Napi::Function::New<on_unlock>(env, "unlock"));
  exports.Set("cancel", Napi::Function::New<on_cancel>(env, "cancel"));
  exports.Set("sendDatagram", Napi::Function::New<on_send_datagram>(env, "sendDatagram"));
  exports.Set("sendDescriptor", Napi::Function::New<on_send_descriptor>(env, "sendDescriptor"));
  exports.Set("socketType", Napi::Function::New<on_socket_type>(env, "socketType"));
  exports.Set("exec", Napi::Function::New<on_exec>(env, "exec"));
  exports.Set("openStream", Napi::Function::New<on_open_stream>(env, "openStream"));
  exports.Set("readStream", Napi::Function::New<on_read_stream>(env, "readStream"));
  exports.Set("closeStream", Napi::Function::New<on_close_stream>(env, "closeStream"));
  exports.Set("watchdogSupport", Napi::Function::New<on_watchdog_support>(env, "watchdogSupport"));
  exports.Set("watchdogGet", Napi::Function::New<on_watchdog_get>(env, "watchdogGet"));
  exports.Set("watchdogSet", Napi::Function::New<on_watchdog_set>(env, "watchdogSet"));
  define_notify(env, exports);
  exports.Set("Inotify", Inotify::define(env));
  return exports;
}

}  // namespace finit

static Napi::Object init(Napi::Env env, Napi::Object exports) { return finit::initialize(env, exports); }
NODE_API_MODULE(NODE_GYP_MODULE_NAME, init)
