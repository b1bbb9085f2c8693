// What of the addon's exports notifications are made of: see NativeAddon in src/native.ts.
#pragma once

#include "node_api_cpp.h"

namespace finit {

void define_notify(Napi::Env env, Napi::Object exports);

}  // namespace finit
