// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A file that is there whole or not at all.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/file_descriptor.h"
#include "cli/clip/sink.h"

namespace genpro::cli {

// Whatever kills the process before commit(), nothing is left of it where the file system has files
// without a name. All functions throw std::runtime_error. Threads: one at a time.
class OutputFile final : public Sink {
 public:
  // Finds out whether it can be written. `replaces`: a file of that name, which is kept until
  // commit(); else there must be none, and nobody else's is replaced that appears meanwhile.
  // `advice`: what is said to do where there is one.
  OutputFile(std::string path, bool replaces,
             const char* advice = "Name another file, or remove it.");
  ~OutputFile() override;

  void write(std::span<const unsigned char> bytes) override;
  // All of it is on the disk when this returns.
  void commit() override;
  const std::string& path() const { return path_; }

 private:
  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void fail_as_taken() const;
  std::string hidden_name() const;

  std::string path_;
  bool replaces_;
  const char* advice_;
  FileDescriptor file_;
  std::string temporary_;  // its name until commit(); empty: it has none
};

// Writes the file at once, in the place of one that may be there.
void replace_file(const std::string& path, const std::string& text);

}  // namespace genpro::cli
