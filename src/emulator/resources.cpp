// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/resources.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "emulator/api_error.h"
#include "emulator/sniff.h"
#include "emulator/text.h"

namespace genpro::emulator {

namespace {

// Announced uploads that are kept; the oldest ones nobody finished make room.
constexpr std::size_t max_blobs = 1000;

const MediaType& media_type_or_refuse(const std::string& path, const std::string& shown_name) {
  const MediaType* type = sniff_file(path);
  if (type == nullptr) {
    throw ApiError(422, "invalid_content_type",
                   "\"" + shown_name + "\" is no media file. Upload " + accepted_formats + ".");
  }
  return *type;
}

Resource describe(const MediaType& type, std::string file_name) {
  Resource resource;
  resource.file_name = std::move(file_name);
  resource.stored_name = random_token() + "." + type.extension;
  resource.content_type = type.content_type;
  resource.kind = type.kind;
  return resource;
}

ApiError no_such_resource(std::int64_t id) {
  return {404, "content_resource_not_found",
          "There is no content resource " + std::to_string(id) +
              ". Upload the file first and use the id of the answer."};
}

}  // namespace

Resource Resources::add(NewFile& file, const std::string& file_name) {
  const std::string shown = clean_file_name(file_name);
  if (file.size() == 0) {
    throw ApiError(422, "content_resource_creation_failed",
                   "\"" + shown + "\" is empty. Upload a file with something in it.");
  }
  Resource resource = describe(media_type_or_refuse(file.path(), shown), shown);
  file.move_to(folders_.uploads(resource.stored_name));
  resource.id = store_.next_id(Sequence::resource);
  store_.save(resource);
  return resource;
}

void check_local_ingredient(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    throw std::runtime_error("The ingredient " + path + " does not exist.");
  }
  if (!std::filesystem::is_regular_file(status)) {
    throw std::runtime_error("The ingredient " + path + " is not a file.");
  }
  const auto size = std::filesystem::file_size(path, error);
  if (!error && size == 0) throw std::runtime_error("The ingredient " + path + " is empty.");
  const MediaType* type = nullptr;
  try {
    type = sniff_file(path);
  } catch (const std::system_error& failure) {
    throw std::runtime_error("The ingredient " + path +
                             " cannot be read: " + failure.code().message() + ".");
  }
  if (type == nullptr) {
    throw std::runtime_error("The ingredient " + path + " is no media file. Give " +
                             accepted_formats + ".");
  }
}

Resource Resources::add_local_file(const std::string& path) {
  check_local_ingredient(path);
  NewFile copy(folders_.unfinished());
  std::ifstream in(path, std::ios::binary);
  std::vector<char> buffer(1 << 18);
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    copy.write(buffer.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) throw std::runtime_error("The ingredient " + path + " cannot be read.");
  return add(copy, path);
}

Resource Resources::add_blob(const std::string& signed_id) {
  for (const auto& blob : blobs_) {
    if (blob.signed_id != signed_id) continue;
    if (blob.path.empty()) {
      throw ApiError(422, "content_resource_creation_failed",
                     "The bytes of \"" + blob.file_name +
                         "\" have not arrived. PUT them to the URL of the direct upload first.");
    }
    Resource resource = describe(media_type_or_refuse(blob.path, blob.file_name), blob.file_name);
    // A link, not a move: a client that lost the answer may ask again with the same signed id.
    if (link(blob.path.c_str(), folders_.uploads(resource.stored_name).c_str()) != 0) {
      throw std::system_error(errno, std::generic_category(), "Keeping the upload failed");
    }
    resource.id = store_.next_id(Sequence::resource);
    store_.save(resource);
    return resource;
  }
  throw ApiError(422, "content_resource_creation_failed",
                 "content_resource.file names no direct upload. Use the signed_id of the answer "
                 "to POST /v1/direct_upload.");
}

Resource Resources::get(std::int64_t id) const {
  auto resource = store_.resource(id);
  if (!resource) throw no_such_resource(id);
  return *resource;
}

Resource Resources::rename(std::int64_t id, const std::string& file_name) {
  Resource resource = get(id);
  resource.file_name = clean_file_name(file_name);
  store_.save(resource);
  return resource;
}

Resource Resources::remove(std::int64_t id) {
  Resource resource = get(id);
  store_.remove_resource(id);
  unlink(folders_.uploads(resource.stored_name).c_str());
  return resource;
}

const Blob& Resources::announce(Blob blob) {
  if (blobs_.size() >= max_blobs) {
    if (!blobs_.front().path.empty()) unlink(blobs_.front().path.c_str());
    blobs_.pop_front();
  }
  blob.token = random_token(24);
  blob.signed_id = random_token(24);
  return blobs_.emplace_back(std::move(blob));
}

Blob* Resources::blob_by_token(const std::string& token) {
  for (auto& blob : blobs_) {
    if (blob.token == token) return &blob;
  }
  return nullptr;
}

}  // namespace genpro::emulator
