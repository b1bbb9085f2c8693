{
  "targets": [
    {
      "target_name": "node_finit",
      "sources": ["<!@(cat native/addon/sources.txt)"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      "cflags": ["-fvisibility=hidden", "-Wall", "-Wextra"],
      "cflags_cc": ["-std=c++17", "-fno-rtti"],
      "conditions": [["OS!='linux'", { "type": "none" }]]
    }
  ]
}
