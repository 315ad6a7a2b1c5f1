// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/domain/resources.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "emulator/media/sniff.h"
#include "emulator/util/api_error.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

// Announced uploads that are kept; the oldest ones nobody finished make room.
constexpr std::int64_t max_blobs = 1000;

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

// The name of the file in `folder` that is the same file as `path`, when there is no third one.
std::optional<std::string> last_link_of(const std::string& path, const std::string& folder) {
  struct stat wanted = {};
  if (stat(path.c_str(), &wanted) != 0 || wanted.st_nlink != 2) return {};
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    struct stat found = {};
    if (lstat(entry.path().c_str(), &found) == 0 && found.st_ino == wanted.st_ino &&
        found.st_dev == wanted.st_dev) {
      return entry.path().filename().string();
    }
  }
  return {};
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

Resource Resources::add_local_file(const std::string& path, std::int64_t id) {
  check_local_ingredient(path);
  NewFile copy(folders_.unfinished());
  std::ifstream in(path, std::ios::binary);
  const Owned<GChecksum, g_checksum_free> sha256(g_checksum_new(G_CHECKSUM_SHA256));
  std::vector<char> buffer(1 << 18);
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    g_checksum_update(sha256.get(), reinterpret_cast<const guchar*>(buffer.data()),
                      static_cast<gssize>(in.gcount()));
    copy.write(buffer.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) throw std::runtime_error("The ingredient " + path + " cannot be read.");
  const std::string shown = clean_file_name(path);
  const std::string digest = g_checksum_get_string(sha256.get());
  if (id == 0) {
    for (const auto& known : store_.resources_with_digest(digest, shown)) {
      if (std::find(taken_at_start_.begin(), taken_at_start_.end(), known.id) !=
          taken_at_start_.end()) {
        continue;
      }
      taken_at_start_.push_back(known.id);
      return known;
    }
  }
  Resource resource = describe(media_type_or_refuse(copy.path(), shown), shown);
  resource.digest = digest;
  copy.move_to(folders_.uploads(resource.stored_name));
  resource.id = id != 0 ? id : store_.next_id(Sequence::resource);
  store_.reserve(Sequence::resource, resource.id);
  store_.save(resource);
  taken_at_start_.push_back(resource.id);
  return resource;
}

Resource Resources::add_blob(const std::string& signed_id) {
  const auto blob = store_.blob_by_signed_id(signed_id);
  if (!blob) {
    throw ApiError(422, "content_resource_creation_failed",
                   "content_resource.file names no direct upload. Use the signed_id of the answer "
                   "to POST /v1/direct_upload.");
  }
  if (!blob->arrived) {
    throw ApiError(422, "content_resource_creation_failed",
                   "The bytes of \"" + blob->file_name +
                       "\" have not arrived. PUT them to the URL of the direct upload first.");
  }
  const std::string path = folders_.blobs(blob->token);
  Resource resource;
  try {
    resource = describe(media_type_or_refuse(path, blob->file_name), blob->file_name);
  } catch (const ApiError&) {
    // These bytes will never be anything else.
    forget_blob(blob->token);
    throw;
  }
  // A link, not a move: a client that lost the answer may ask again with the same signed id.
  if (link(path.c_str(), folders_.uploads(resource.stored_name).c_str()) != 0) {
    throw std::system_error(errno, std::generic_category(), "Keeping the upload failed");
  }
  resource.id = store_.next_id(Sequence::resource);
  store_.save(resource);
  return resource;
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
  const std::string path = folders_.uploads(resource.stored_name);
  const auto blob = last_link_of(path, folders_.blobs(""));
  store_.remove_resource(id);
  unlink(path.c_str());
  if (blob) forget_blob(*blob);
  return resource;
}

void Resources::forget_blob(const std::string& token) {
  store_.remove_blob(token);
  unlink(folders_.blobs(token).c_str());
}

Blob Resources::announce(Blob blob) {
  blob.token = random_token(24);
  blob.signed_id = random_token(24);
  Store::Change change(store_);
  store_.save(blob);
  blob = store_.blob_by_token(blob.token).value();
  const auto forgotten = store_.forget_old_blobs(max_blobs);
  change.commit();
  for (const auto& token : forgotten) unlink(folders_.blobs(token).c_str());
  return blob;
}

void Resources::keep_blob(Blob blob, NewFile& file) {
  file.move_to(folders_.blobs(blob.token));
  blob.arrived = true;
  store_.save(blob);
}

void Resources::remove_strays() {
  const auto sweep = [](const std::string& folder, const auto& belongs) {
    std::error_code ignored;
    std::vector<std::filesystem::path> strays;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
      if (!belongs(entry.path())) strays.push_back(entry.path());
    }
    for (const auto& path : strays) std::filesystem::remove(path, ignored);
  };
  using Path = std::filesystem::path;
  // Only what this program has named: the folder is its user's.
  const auto is_token = [](const std::string& name, std::size_t length) {
    return name.size() == length && name.find_first_not_of("0123456789abcdef") == std::string::npos;
  };
  sweep(folders_.uploads(""), [&](const Path& path) {
    return !is_token(path.stem().string(), 32) || store_.knows_upload(path.filename().string());
  });
  sweep(folders_.blobs(""), [&](const Path& path) {
    const std::string token = path.filename().string();
    return !is_token(token, 48) || store_.blob_by_token(token).has_value();
  });
  for (const auto& folder : {folders_.outputs(""), folders_.thumbnails("")}) {
    sweep(folder, [&](const Path& path) {
      const std::string name = path.stem().string();
      return !name.starts_with("vid_ingredients_") || store_.knows_output(name);
    });
  }
}

}  // namespace genpro::emulator
