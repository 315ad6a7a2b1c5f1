// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A file that may become an ingredient: its type, its size and its digests.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file_descriptor.h"
#include "ledger/asset.h"

namespace genpro::assets {

// A file that can be an ingredient, as it was when it was looked at.
struct File {
  ledger::FileStamp stamp;
  std::string name;          // without folders
  std::string content_type;  // "image/png"; empty until it is read
  std::string sha256;        // hexadecimal; empty until it is read
  std::string md5;           // base64; of one that is uploaded directly, when it is read
};

// "image", "video", "audio", or what else comes before the slash.
std::string kind_of(std::string_view content_type);
bool is_ingredient_type(std::string_view content_type);

// The type of what begins so; empty when it is not known.
std::string sniff(std::string_view begin);

// Looks at a file without reading it. A file that is missing, empty, too large or no regular one is
// an error that names it. May wait for the disk.
Result<File> look_at(const std::string& path);
// Opens a file that was looked at, and fails when it has changed since.
Result<std::shared_ptr<const FileDescriptor>> open_file(const File& file);
// Fails when the open file is no longer what was looked at.
Result<std::monostate> check_unchanged(const FileDescriptor& descriptor, const File& file);

// Reads the whole file: its type, which has to be one of an ingredient, and its digests. Ends early
// when it is stopped.
Result<std::monostate> read_content(const FileDescriptor& descriptor, File& file,
                                    const std::stop_token& stopped);

Error stopped_error();

}  // namespace genpro::assets
