// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "base/file_descriptor.h"

namespace genpro::cli {

// The folder that clips are written to: one batch at a time writes there, by any number of
// processes of one ledger. As long as some of them do, a hidden file in it names the batch.
class OutputFolder {
 public:
  // Makes the folder. `batch`: names batch and ledger. Throws std::runtime_error.
  OutputFolder(const std::string& path, const std::string& batch);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

 private:
  const std::string marker_;
  FileDescriptor descriptor_;
};

}  // namespace genpro::cli
