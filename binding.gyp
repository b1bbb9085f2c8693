{
  "targets": [
    {
      "target_name": "node_finit",
      "sources": ["<!@(cat native/addon/sources.txt)"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "cflags": ["-fvisibility=hidden", "-Wall", "-Wextra"],
      "cflags_cc": ["-std=c++17", "-fno-rtti"],
      "conditions": [["OS!='linux'", { "type": "none" }]]
    },
    {
      "target_name": "finit_shim",
      "type": "none",
      "conditions": [["OS=='linux'", {
        "actions": [
          {
            "action_name": "finit-shim",
            "inputs": ["scripts/build-shim.mjs", "native/shim/sources.txt", "<!@(ls native/shim/*.c native/shim/*.h)"],
            "outputs": ["<(PRODUCT_DIR)/finit-shim"],
            "action": ["node", "scripts/build-shim.mjs", "<(PRODUCT_DIR)/finit-shim"]
          }
        ]
      }]]
    }
  ]
}
