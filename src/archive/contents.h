// SPDX-License-Identifier: LGPL-2.1-or-later
//
// All that an archive holds, and how some of it is taken away.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "archive/archive.h"

namespace genpro::archive {

struct Clip {
  std::uint64_t size = 0;       // bytes
  std::uint64_t file = 0;       // inode: another one is another writing of the same bytes
  std::int64_t changed_at = 0;  // milliseconds since 1970
};

// A file that no generation needs: a clip without a generation, one that was damaged, or what is
// left of a writing that was cut short.
struct Leftover {
  std::string path;
  std::uint64_t size = 0;
  std::int64_t changed_at = 0;
};

struct Contents {
  std::vector<Record> records;          // the newest first; a clip may have several
  std::vector<std::string> unreadable;  // paths of records that say nothing
  std::map<std::string, Clip> clips;    // by SHA-256
  std::vector<Leftover> leftovers;      // a process may be at a young one
};

// Reads the folder and each record, and no clip. Waits for the disk, as the others here do.
Result<Contents> read_contents(const Archive& archive);

// How old a leftover is that no process is at: none writes a clip for longer without a new byte,
// nor takes longer to say whose it is.
inline constexpr std::int64_t oldest_writing = std::int64_t{24} * 3600 * 1000;  // milliseconds

// Each is true also where it was gone already, and sets errno else.
//
// Takes a generation's record away, unless it has been written anew since it was read.
bool remove_record(const Archive& archive, const Record& record);
// Takes a clip away that no record names any more, unless it has been written anew.
bool remove_clip(const Archive& archive, const std::string& sha256, const Clip& clip);
bool remove_leftover(const Leftover& leftover);

}  // namespace genpro::archive
