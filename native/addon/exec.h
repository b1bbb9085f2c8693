#pragma once

#include <string>
#include <vector>

namespace finit {

// Becomes another program: -errno when that fails, and then all is as it was; else it does not return. Of Node's descriptors it has
// those in `keep` only; signals have their defaults again (Node ignores SIGPIPE), and none is blocked.
int exec(const std::string& path, const std::vector<std::string>& arguments, const std::vector<int>& keep);

}  // namespace finit
