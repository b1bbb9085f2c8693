#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <memory>

#include "datagram.h"
#include "environment.h"
#include "notify_socket.h"

namespace finit {

namespace {

constexpr char kStatus[] = "STATUS=";
constexpr size_t kStatusLength = sizeof kStatus - 1;

// Descriptors of a JavaScript array: how many, or -errno.
int descriptors_of(const Napi::Value& list, int* fds) {
  const uint32_t count = list.IsArray() ? list.As<Napi::Array>().Length() : 0;
  if (count > NotifySocket::kMostDescriptors) return -E2BIG;
  for (uint32_t i = 0; i < count; i++)
    fds[i] = descriptor_of(list.As<Napi::Array>().Get(i));
  return static_cast<int>(count);
}

// send(text, fds?) or send(text, true), a status: 0, or -errno; send() closes. In plain Node-API, as what its C++ wrapper adds is a fifth of the time
// that all of it takes. A status becomes a message here, as putting it together in JavaScript is a tenth.
napi_value on_send(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, arguments, nullptr, &data);
  auto& socket = *static_cast<NotifySocket*>(data);
  if (count == 0) {
    socket.close();
    return nullptr;
  }
  napi_valuetype second = napi_undefined;
  if (count > 1) napi_typeof(env, arguments[1], &second);
  // Room for one byte too many (and a NUL), so that what was cut is seen to be too long; a character has up to four.
  char text[kStatusLength + NotifySocket::kLongest + 6];
  const size_t begin = second == napi_boolean ? kStatusLength : 0;
  size_t length = 0;
  int result = -EINVAL;
  if (napi_get_value_string_utf8(env, arguments[0], text + begin, sizeof text - begin, &length) == napi_ok) {
    if (second == napi_boolean) {
      // It stops at a NUL too: where Node has put one, or an earlier one.
      const bool is_line = strcspn(text + kStatusLength, "\r\n") == length;
      memcpy(text, kStatus, kStatusLength);
      text[kStatusLength + length] = '\n';
      result = is_line ? socket.send(text, kStatusLength + length + 1, nullptr, 0) : -EBADMSG;
    } else if (second == napi_undefined) {
      result = socket.send(text, length, nullptr, 0);
    } else {
      int fds[NotifySocket::kMostDescriptors];
      result = descriptors_of(Napi::Value(env, arguments[1]), fds);
      if (result >= 0) result = socket.send(text, length, fds, static_cast<size_t>(result));
    }
  }
  napi_value number;
  napi_create_int32(env, result, &number);
  return number;
}

// notifySocket(address, environment?) or notifySocket(cid, port, type): the function that sends there, or -errno.
Napi::Value on_notify_socket(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto socket = std::make_unique<NotifySocket>();
  if (info[0].IsNumber()) {
    socket->vsock_address(info[0].As<Napi::Number>().Uint32Value(), static_cast<uint32_t>(int32_of(info[1], 0)),
                          int32_of(info[2], 0));
  } else if (info[0].IsTypedArray() && info[0].As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
    const auto address = info[0].As<Napi::Uint8Array>();
    const int error = socket->unix_address(address.Data(), address.ByteLength());
    if (error < 0) return Napi::Number::New(env, error);
    if (info[1].IsString()) socket->watch_environment(info[1].As<Napi::String>().Utf8Value());
  } else {
    Napi::TypeError::New(env, "an address is expected").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  napi_value send;
  napi_status status = napi_create_function(env, "send", NAPI_AUTO_LENGTH, on_send, socket.get(), &send);
  if (status == napi_ok)
    status = napi_add_finalizer(
        env, send, socket.get(), [](napi_env, void* data, void*) { delete static_cast<NotifySocket*>(data); }, nullptr, nullptr);
  NAPI_THROW_IF_FAILED(env, status, env.Undefined());
  socket.release();
  return Napi::Value(env, send);
}

// hangup(over): { id, fd }, or -errno.
Napi::Value on_hangup(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsFunction()) {
    Napi::TypeError::New(env, "a function is expected").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return Napi::Number::New(env, -errno);
  Hangup hangup{Fd(ends[0]), Fd(ends[1]), {}};
  auto& environment = Environment::of(env);
  const uint64_t id = environment.next_id();
  const int error = environment.loop().poll(Environment::poll_id(id), ends[0], [&environment, id] {
    environment.to_javascript([&environment, id](Napi::Env env) {
      const auto found = environment.hangups.find(id);
      if (found == environment.hangups.end()) return;
      Napi::HandleScope scope(env);
      found->second.over.Value().Call({});
    });
  });
  if (error != 0) return Napi::Number::New(env, -error);
  hangup.over = Napi::Persistent(info[0].As<Napi::Function>());
  environment.hangups.emplace(id, std::move(hangup));
  auto under_way = Napi::Object::New(env);
  under_way.Set("id", static_cast<double>(id));
  under_way.Set("fd", ends[1]);
  return under_way;
}

Hangup* find_hangup(const Napi::CallbackInfo& info) {
  auto& hangups = Environment::of(info.Env()).hangups;
  const auto found = hangups.find(id_of(info[0]));
  return found == hangups.end() ? nullptr : &found->second;
}

Napi::Value on_hangup_sent(const Napi::CallbackInfo& info) {
  if (Hangup* const hangup = find_hangup(info)) hangup->theirs.reset();
  return info.Env().Undefined();
}

Napi::Value on_hangup_end(const Napi::CallbackInfo& info) {
  if (Hangup* const hangup = find_hangup(info)) {
    auto& environment = Environment::of(info.Env());
    const auto id = id_of(info[0]);
    environment.loop().unpoll(Environment::poll_id(id), hangup->ours.get());
    environment.hangups.erase(id);
  }
  return info.Env().Undefined();
}

template <int (*function)(int)>
Napi::Value on_descriptor(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), function(descriptor_of(info[0])));
}

}  // namespace

void define_notify(Napi::Env env, Napi::Object exports) {
  exports.Set("notifySocket", Napi::Function::New<on_notify_socket>(env, "notifySocket"));
  exports.Set("hangup", Napi::Function::New<on_hangup>(env, "hangup"));
  exports.Set("hangupSent", Napi::Function::New<on_hangup_sent>(env, "hangupSent"));
  exports.Set("hangupEnd", Napi::Function::New<on_hangup_end>(env, "hangupEnd"));
  exports.Set("descriptorKind", Napi::Function::New<on_descriptor<descriptor_kind>>(env, "descriptorKind"));
  exports.Set("closeOnExec", Napi::Function::New<on_descriptor<close_on_exec>>(env, "closeOnExec"));
  exports.Set("retireDescriptor", Napi::Function::New<on_descriptor<retire_descriptor>>(env, "retireDescriptor"));
}

}  // namespace finit
