// node-addon-api as this addon wants it; the settings stand here so that every build has the same.
#pragma once

#define NAPI_VERSION 8
#define NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS
#define NODE_ADDON_API_DISABLE_DEPRECATED
// A message may still arrive while a worker is being torn down. JavaScript cannot run then, and node-addon-api would end the
// process over an exception that it cannot throw.
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS

#include <limits.h>
#include <napi.h>

#include <string>

namespace finit {

// Arguments are taken as they are. When a worker is terminated, the native call that it is in goes on, and all of Node-API that would have
// to run JavaScript fails from then on: coercing (ToNumber(), ToString()), properties, wrapping. node-addon-api gives empty values then,
// and ends the whole process over the next thing that is asked of one. These ask nothing of it.
inline int32_t int32_of(const Napi::Value& value, int32_t otherwise) {
  int32_t number = 0;
  return napi_get_value_int32(value.Env(), value, &number) == napi_ok ? number : otherwise;
}

// An id, or 0.
inline uint64_t id_of(const Napi::Value& value) {
  int64_t number = 0;
  return napi_get_value_int64(value.Env(), value, &number) == napi_ok ? static_cast<uint64_t>(number) : 0;
}

// A descriptor, or -1: a number that is none must not become another one by having its upper bits cut off, as 2^32 + 3 would become 3.
inline int descriptor_of(const Napi::Value& value) {
  double number = -1;
  const bool is_number = napi_get_value_double(value.Env(), value, &number) == napi_ok;
  return is_number && number >= 0 && number <= INT_MAX ? static_cast<int>(number) : -1;
}

// A string, or "".
inline std::string text_of(const Napi::Value& value) {
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

}  // namespace finit
