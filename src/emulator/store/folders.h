// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The data folder: where things lie in it, and the lock that keeps two servers out of one.
#pragma once

#include <string>

#include "base/file_descriptor.h"

namespace genpro::emulator {

class Folders {
 public:
  // Creates `root` (0700) and what belongs in it, and locks it. Throws std::runtime_error.
  explicit Folders(const std::string& root);
  Folders(const Folders&) = delete;
  Folders& operator=(const Folders&) = delete;

  const std::string& root() const { return root_; }
  std::string uploads(const std::string& name) const { return root_ + "/uploads/" + name; }
  std::string outputs(const std::string& name) const { return root_ + "/outputs/" + name; }
  std::string thumbnails(const std::string& name) const { return root_ + "/thumbnails/" + name; }
  // The bytes of direct uploads, by their tokens.
  std::string blobs(const std::string& token) const { return root_ + "/blobs/" + token; }
  std::string store() const { return root_ + "/store.db"; }
  // The page's account of requests.
  std::string journal() const { return root_ + "/journal.db"; }
  std::string jobs(const std::string& name) const { return root_ + "/jobs/" + name; }
  // A new name for a file that is not finished yet.
  std::string unfinished() const;

 private:
  std::string root_;
  FileDescriptor lock_;
};

}  // namespace genpro::emulator
