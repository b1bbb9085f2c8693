// One inotify instance as a JavaScript object.
#pragma once

#include "fd.h"
#include "node_api_cpp.h"

namespace finit {

class Inotify : public Napi::ObjectWrap<Inotify> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Inotify(const Napi::CallbackInfo& info);
  ~Inotify() override;

  // The descriptor is readable: on the JavaScript thread.
  void readable(Napi::Env env);

 private:
  Napi::Value add(const Napi::CallbackInfo& info);
  Napi::Value remove(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  void ref(const Napi::CallbackInfo& info);
  void unref(const Napi::CallbackInfo& info);
  void end();

  Napi::Env env_;
  Fd fd_;
  uint64_t id_ = 0;
  bool referenced_ = false;
  Napi::FunctionReference on_readable_;
};

}  // namespace finit
