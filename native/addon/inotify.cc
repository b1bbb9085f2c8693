#include "inotify.h"

#include <errno.h>
#include <sys/inotify.h>

#include "environment.h"

namespace finit {

namespace {

constexpr size_t kReadSize = 64 * 1024;

int32_t result(int value) { return value < 0 ? -errno : value; }

}  // namespace

Napi::Function Inotify::define(Napi::Env env) {
  return DefineClass(env, "Inotify",
                     {InstanceMethod<&Inotify::add>("add"), InstanceMethod<&Inotify::remove>("remove"),
                      InstanceMethod<&Inotify::read>("read"), InstanceMethod<&Inotify::close>("close"),
                      InstanceMethod<&Inotify::ref>("ref"), InstanceMethod<&Inotify::unref>("unref")});
}

Inotify::Inotify(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Inotify>(info), env_(info.Env()) {
  // Not wrapped: the worker is being terminated, and there is nothing to refer to.
  if (IsEmpty()) return;
  if (!info[0].IsFunction()) {
    Napi::TypeError::New(env_, "a function is expected").ThrowAsJavaScriptException();
    return;
  }
  Fd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  int error = fd ? 0 : errno;
  auto& environment = Environment::of(env_);
  if (error == 0) {
    id_ = environment.next_id();
    error = environment.loop().poll(Environment::poll_id(id_), fd.get(), [&environment, id = id_] {
      environment.to_javascript([&environment, id](Napi::Env env) {
        // Looked up again: it may have been closed, or collected, since the message was sent.
        const auto found = environment.watchers.find(id);
        if (found != environment.watchers.end()) found->second->readable(env);
      });
    });
  }
  if (error != 0) {
    auto failure = Napi::Error::New(env_, "inotify cannot be set up");
    failure.Set("errno", Napi::Number::New(env_, error));
    failure.ThrowAsJavaScriptException();
    return;
  }
  fd_ = std::move(fd);
  on_readable_ = Napi::Persistent(info[0].As<Napi::Function>());
  environment.watchers[id_] = this;
  referenced_ = true;
  environment.hold();
  // An open instance is alive although nobody may hold its object: events still have to reach the callback.
  Ref();
}

Inotify::~Inotify() {
  // Only when the environment ends, or after close(): the loop is gone, or knows nothing of this.
}

void Inotify::end() {
  if (!fd_) return;
  auto& environment = Environment::of(env_);
  environment.loop().unpoll(Environment::poll_id(id_), fd_.get());
  environment.watchers.erase(id_);
  fd_.reset();
  on_readable_.Reset();
  if (referenced_) environment.release();
  referenced_ = false;
  Unref();
}

void Inotify::readable(Napi::Env env) {
  if (!fd_) return;
  Napi::HandleScope scope(env);
  on_readable_.Value().Call({});
}

Napi::Value Inotify::add(const Napi::CallbackInfo& info) {
  if (!fd_) return Napi::Number::New(env_, -EBADF);
  const std::string path = text_of(info[0]);
  const auto mask = static_cast<uint32_t>(int32_of(info[1], 0));
  return Napi::Number::New(env_, result(::inotify_add_watch(fd_.get(), path.c_str(), mask)));
}

Napi::Value Inotify::remove(const Napi::CallbackInfo& info) {
  if (!fd_) return Napi::Number::New(env_, -EBADF);
  return Napi::Number::New(env_, result(::inotify_rm_watch(fd_.get(), descriptor_of(info[0]))));
}

Napi::Value Inotify::read(const Napi::CallbackInfo&) {
  if (!fd_) return Napi::Number::New(env_, -EBADF);
  // Aligned as inotify_event wants it. The events are decoded in TypeScript.
  alignas(inotify_event) uint8_t buffer[kReadSize];
  ssize_t length;
  do {
    length = ::read(fd_.get(), buffer, sizeof buffer);
  } while (length < 0 && errno == EINTR);
  if (length < 0 && errno != EAGAIN) return Napi::Number::New(env_, -errno);
  if (length <= 0) {
    Environment::of(env_).loop().rearm(Environment::poll_id(id_), fd_.get());
    return Napi::Buffer<uint8_t>::New(env_, 0);
  }
  return Napi::Buffer<uint8_t>::Copy(env_, buffer, static_cast<size_t>(length));
}

void Inotify::close(const Napi::CallbackInfo&) { end(); }

void Inotify::ref(const Napi::CallbackInfo&) {
  if (!fd_ || referenced_) return;
  referenced_ = true;
  Environment::of(env_).hold();
}

void Inotify::unref(const Napi::CallbackInfo&) {
  if (!fd_ || !referenced_) return;
  referenced_ = false;
  Environment::of(env_).release();
}

}  // namespace finit
