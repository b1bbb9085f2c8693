// node-addon-api as this addon wants it; the settings stand here so that every build has the same.
#pragma once

#define NAPI_VERSION 8
#define NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS
#define NODE_ADDON_API_DISABLE_DEPRECATED
// A message may still arrive while a worker is being torn down. JavaScript cannot run then, and node-addon-api would end the
// process over an exception that it cannot throw.
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS

#include <napi.h>
