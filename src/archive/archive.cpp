// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archive/archive.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/glib_ptr.h"
#include "base/text.h"

namespace genpro::archive {

namespace {

using ChecksumPtr = Owned<GChecksum, g_checksum_free>;

constexpr std::size_t sha256_length = 64;

// Hexadecimal; empty when the file cannot be read, with the reason in errno.
std::string sha256_of_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return {};
  const ChecksumPtr checksum(g_checksum_new(G_CHECKSUM_SHA256));
  std::array<unsigned char, 65536> bytes{};
  while (true) {
    const ssize_t count = ::read(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count > 0) {
      g_checksum_update(checksum.get(), bytes.data(), count);
      continue;
    }
    const int reason = errno;
    ::close(descriptor);
    errno = reason;
    return count == 0 ? g_checksum_get_string(checksum.get()) : std::string();
  }
}

// Of a record that may be anything; empty where it names no clip of that generation.
std::string sha256_in(const std::string& text, const std::string& service,
                      const std::string& generation_id, const std::string& fingerprint) {
  const auto parser = ObjectPtr<JsonParser>::adopt(json_parser_new());
  if (!json_parser_load_from_data(parser.get(), text.data(), static_cast<gssize>(text.size()),
                                  nullptr)) {
    return {};
  }
  JsonNode* root = json_parser_get_root(parser.get());
  if (root == nullptr || !JSON_NODE_HOLDS_OBJECT(root)) return {};
  const auto member = [object = json_node_get_object(root)](const char* name) -> std::string {
    JsonNode* node = json_object_get_member(object, name);
    const bool is_text = node != nullptr && json_node_get_value_type(node) == G_TYPE_STRING;
    return is_text ? json_node_get_string(node) : "";
  };
  if (member("service") != service || member("generation-id") != generation_id) return {};
  const std::string kept = member("fingerprint");
  if (!kept.empty() && !fingerprint.empty() && kept != fingerprint) return {};
  std::string sha256 = member("sha256");
  const bool is_digest = sha256.size() == sha256_length &&
                         sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_digest ? sha256 : std::string();
}

}  // namespace

std::optional<Error> Archive::make_folder() const {
  if (g_mkdir_with_parents(folder_.c_str(), 0700) == 0) return std::nullopt;
  return settings_error("The archive " + one_line(folder_, 300) + " cannot be made: " +
                        g_strerror(errno) + ". Set archive to a folder that can.");
}

std::string Archive::clip_path(const std::string& sha256) const {
  return folder_ + "/clips/" + sha256.substr(0, 2) + "/" + sha256 + ".mp4";
}

std::string Archive::record_path(const std::string& service,
                                 const std::string& generation_id) const {
  const std::string key = service + "\n" + generation_id;
  const std::string name = take_string(g_compute_checksum_for_string(
      G_CHECKSUM_SHA256, key.data(), static_cast<gssize>(key.size())));
  return folder_ + "/generations/" + name.substr(0, 2) + "/" + name + ".json";
}

Found Archive::find(const std::string& service, const std::string& generation_id,
                    const std::string& fingerprint) const {
  char* text = nullptr;
  gsize size = 0;
  if (!g_file_get_contents(record_path(service, generation_id).c_str(), &text, &size, nullptr)) {
    return {};
  }
  const GCharPtr owner(text);
  const std::string sha256 =
      sha256_in(std::string(text, size), service, generation_id, fingerprint);
  if (sha256.empty()) return {};
  const std::string clip = clip_path(sha256);
  const std::string now = sha256_of_file(clip);
  if (now == sha256) return {clip, {}};
  const int error = errno;
  // Whoever made room has removed it.
  if (now.empty() && error == ENOENT) return {};
  const std::string reason = g_strerror(error);
  if (now.empty()) {
    return {{},
            "The archive's clip " + clip + " of generation " + generation_id +
                " cannot be read: " + reason + ". The service is asked for it."};
  }
  const bool is_moved = g_rename(clip.c_str(), (clip + ".damaged").c_str()) == 0;
  return {{},
          "The archive's clip " + clip + " of generation " + generation_id +
              " is damaged: its bytes are others than were kept. It is " +
              (is_moved ? "moved aside, as " + clip + ".damaged" : std::string("not used")) +
              ", and the service is asked for it."};
}

}  // namespace genpro::archive
