// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Request bodies that are files, which go onto the disk as they arrive.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/glib_ptr.h"
#include "emulator/domain/resources.h"
#include "emulator/http/exchange.h"
#include "emulator/http/multipart.h"
#include "emulator/store/folders.h"
#include "emulator/util/file.h"

namespace genpro::emulator {

// multipart/form-data with one file.
class UploadBody final : public BodyReader {
 public:
  static void check_length(std::int64_t announced);

  // `part`: the name of the part that holds the file; "file" is taken as well.
  UploadBody(const std::string& content_type, const Folders& folders, std::string part);
  void feed(std::string_view chunk) override { parser_.feed(chunk); }
  void finish() override;
  NewFile& file() { return *file_; }
  const std::string& file_name() const { return file_name_; }

 private:
  void begin(const PartHeader& part);
  void data(std::string_view chunk);

  const Folders& folders_;
  std::string part_;
  std::unique_ptr<NewFile> file_;
  std::string file_name_;
  bool in_file_ = false;
  std::size_t field_size_ = 0;
  MultipartParser parser_;
};

// A file that is the whole body.
class FileBody : public BodyReader {
 public:
  static void check_length(std::int64_t announced);

  explicit FileBody(const Folders& folders) : file_(folders.unfinished()) {}
  void feed(std::string_view chunk) override;
  NewFile& file() { return file_; }

 private:
  NewFile file_;
};

// The bytes of a direct upload, checked against what was announced.
class BlobBody final : public FileBody {
 public:
  BlobBody(const Blob& blob, const Folders& folders);
  void feed(std::string_view chunk) override;
  void finish() override;

 private:
  std::int64_t expected_size_;
  std::string expected_checksum_;
  Owned<GChecksum, g_checksum_free> md5_;
};

}  // namespace genpro::emulator
