// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A file of the archive that is there whole or not at all.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "archive/record.h"
#include "base/file_descriptor.h"
#include "base/glib_ptr.h"

namespace genpro::archive {

// What the bytes of a clip go into. Has no name where the file system can do that; else one that
// goes with the object. Functions that fail say why in errno. Threads: one at a time.
class PartialFile {
 public:
  explicit PartialFile(const std::string& folder);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  bool is_open() const { return static_cast<bool>(file_); }
  bool write(std::uint64_t offset, std::span<const unsigned char> bytes);
  // What was written so far is on the disk.
  bool sync();
  // Of the first `size` bytes, hexadecimal; empty when they cannot be read. Reads nothing where
  // they were written in order.
  std::string sha256(std::uint64_t size) const;
  // Gives the file that name, on the disk as well, and makes the folder for it. One that has it
  // already had the same bytes once, which may be damaged or not to be read any more, and makes
  // room.
  bool publish(const std::string& path);

 private:
  FileDescriptor file_;
  std::string name_;  // empty: none
  using ChecksumPtr = Owned<GChecksum, g_checksum_free>;
  const ChecksumPtr checksum_{g_checksum_new(G_CHECKSUM_SHA256)};
  std::uint64_t checked_to_ = 0;  // bytes from the first one on that checksum_ has
};

// Makes its folder, and replaces what is there.
bool write_record(const std::string& path, const Record& record);

}  // namespace genpro::archive
