{
  "targets": [
    {
      "target_name": "node_finit",
      "sources": ["<!@(cat native/addon/sources.txt)"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "cflags": ["-fvisibility=hidden", "-Wall", "-Wextra"],
      "cflags_cc": ["-std=c++17", "-fno-rtti"],
      "conditions": [["OS!='linux'", { "type": "none" }]]
    }
  ]
}
