// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/api/uploads.h"

#include "emulator/util/api_error.h"

namespace genpro::emulator {

namespace {

// Room for boundaries, part headers and small fields around the file.
constexpr std::int64_t multipart_overhead = 256 * 1024;
constexpr std::size_t max_field = 64 * 1024;

ApiError upload_too_large() {
  return {422, "file_size_exceeded",
          "The file is larger than 50 MB. Upload it with POST /v1/direct_upload, which takes up "
          "to 1 GB."};
}

ApiError file_too_large() {
  return {422, "file_size_exceeded",
          "The file is larger than 1 GB, which is the limit of uploads. Send a smaller one."};
}

}  // namespace

void UploadBody::check_length(std::int64_t announced) {
  if (announced > static_cast<std::int64_t>(max_multipart_file) + multipart_overhead) {
    throw upload_too_large();
  }
}

UploadBody::UploadBody(const std::string& content_type, const Folders& folders, std::string part)
    : folders_(folders),
      part_(std::move(part)),
      parser_(content_type,
              {[this](const PartHeader& part) { begin(part); },
               [this](std::string_view chunk) { data(chunk); }, [this] { in_file_ = false; }}) {}

void UploadBody::begin(const PartHeader& part) {
  field_size_ = 0;
  // Clients that build their own forms are seen to leave the wrapping name out.
  in_file_ = part.name == part_ || part.name == "file";
  if (!in_file_) return;
  if (file_) {
    throw validation_error("The form has more than one file. Send one " + part_ + " a request.");
  }
  file_ = std::make_unique<NewFile>(folders_.unfinished());
  file_name_ = part.file_name;
}

void UploadBody::data(std::string_view chunk) {
  if (in_file_) {
    if (file_->size() + chunk.size() > max_multipart_file) throw upload_too_large();
    file_->write(chunk.data(), chunk.size());
    return;
  }
  field_size_ += chunk.size();
  if (field_size_ > max_field) throw validation_error("A field of the form is larger than 64 kB.");
}

void UploadBody::finish() {
  parser_.finish();
  if (!file_) {
    throw validation_error("The form has no part " + part_ +
                           ". Put the file into a part of that name.");
  }
}

void FileBody::check_length(std::int64_t announced) {
  if (announced > max_direct_file) throw file_too_large();
}

void FileBody::feed(std::string_view chunk) {
  check_length(static_cast<std::int64_t>(file_.size() + chunk.size()));
  file_.write(chunk.data(), chunk.size());
}

BlobBody::BlobBody(const Blob& blob, const Folders& folders)
    : FileBody(folders),
      expected_size_(blob.byte_size),
      expected_checksum_(blob.checksum),
      md5_(g_checksum_new(G_CHECKSUM_MD5)) {}

void BlobBody::feed(std::string_view chunk) {
  if (static_cast<std::int64_t>(file().size() + chunk.size()) > expected_size_) {
    throw ApiError(422, "file_size_exceeded",
                   "More bytes arrive than the byte_size " + std::to_string(expected_size_) +
                       " that was announced. Announce the true size.");
  }
  g_checksum_update(md5_.get(), reinterpret_cast<const guchar*>(chunk.data()),
                    static_cast<gssize>(chunk.size()));
  FileBody::feed(chunk);
}

void BlobBody::finish() {
  if (static_cast<std::int64_t>(file().size()) != expected_size_) {
    throw validation_error("The upload has " + std::to_string(file().size()) +
                           " bytes and byte_size said " + std::to_string(expected_size_) +
                           ". Send the whole file.");
  }
  guint8 digest[16];
  gsize length = sizeof digest;
  g_checksum_get_digest(md5_.get(), digest, &length);
  if (take_string(g_base64_encode(digest, length)) != expected_checksum_) {
    throw validation_error(
        "The bytes do not match the checksum that was announced: it is the MD5 of the file in "
        "base64. Send the same file again or announce the right checksum.");
  }
}

}  // namespace genpro::emulator
