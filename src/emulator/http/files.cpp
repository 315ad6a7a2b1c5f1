// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/http/files.h"

#include <fcntl.h>
#include <libsoup/soup.h>
#include <sys/stat.h>

#include <cstdio>

#include "base/file_descriptor.h"
#include "base/web/range_header.h"
#include "emulator/util/api_error.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

constexpr std::size_t max_mappings = 64;

ApiError no_such_file() {
  return not_found("There is no such file.");
}

// Names are made by this program, so that anything else is no file of ours.
bool is_stored_name(const std::string& name) {
  if (name.empty() || name.size() > 100 || name.front() == '.') return false;
  return name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
         std::string::npos;
}

std::optional<std::int64_t> http_date(const std::string& text) {
  const DateTimePtr date(text.empty() ? nullptr
                                      : soup_date_time_new_from_http_string(text.c_str()));
  if (!date) return {};
  return g_date_time_to_unix(date.get());
}

bool is_not_modified(const Request& request, const std::string& tag, std::int64_t modified) {
  const std::string tags = request.header("if-none-match");
  if (!tags.empty()) return lists_tag(tags, tag);
  const auto since = http_date(request.header("if-modified-since"));
  return since && modified <= *since;
}

// Whether the range is wanted of this very entity.
bool range_applies(const Request& request, const std::string& tag, std::int64_t modified) {
  const std::string condition(trim(request.header("if-range")));
  if (condition.empty()) return true;
  if (condition.front() == '"' || condition.substr(0, 2) == "W/") return condition == tag;
  return http_date(condition) == modified;
}

}  // namespace

const FileServer::Entry& FileServer::entry(const std::string& path) {
  const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info = {};
  if (!fd || fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    entries_.erase(path);
    throw no_such_file();
  }
  char tag[96];
  std::snprintf(tag, sizeof tag, "\"%llx-%llx-%llx%09lx\"",
                static_cast<unsigned long long>(info.st_ino),
                static_cast<unsigned long long>(info.st_size),
                static_cast<unsigned long long>(info.st_mtim.tv_sec),
                static_cast<unsigned long>(info.st_mtim.tv_nsec));
  const auto found = entries_.find(path);
  if (found != entries_.end() && found->second.tag == tag) return found->second;

  ErrorPtr error;
  const Owned<GMappedFile, g_mapped_file_unref> mapped(
      g_mapped_file_new_from_fd(fd.get(), FALSE, error.out()));
  if (!mapped) throw no_such_file();
  if (entries_.size() >= max_mappings) entries_.clear();
  Entry& entry = entries_[path];
  entry.bytes.reset(g_mapped_file_get_bytes(mapped.get()));
  entry.tag = tag;
  entry.modified = info.st_mtim.tv_sec;
  return entry;
}

Reply FileServer::serve(const Request& request, const std::string& folder, const std::string& name,
                        const char* (*type_of)(std::string_view extension)) {
  if (!is_stored_name(name)) throw no_such_file();
  const Entry& file = entry(folder + "/" + name);
  const std::size_t size = g_bytes_get_size(file.bytes.get());
  const DateTimePtr date(g_date_time_new_from_unix_utc(file.modified));

  Reply reply;
  const auto dot = name.rfind('.');
  reply.content_type = type_of(dot == std::string::npos ? name : name.substr(dot + 1));
  reply.headers = {
      {"ETag", file.tag},
      {"Accept-Ranges", "bytes"},
      {"X-Content-Type-Options", "nosniff"},
      {"Last-Modified", take_string(soup_date_time_to_string(date.get(), SOUP_DATE_HTTP))}};
  if (is_not_modified(request, file.tag, file.modified)) {
    reply.status = 304;
    reply.announced_length = static_cast<std::int64_t>(size);
    return reply;
  }
  const bool is_whole = request.method != "GET" || !range_applies(request, file.tag, file.modified);
  const auto range = is_whole ? std::nullopt : parse_range(request.header("range"), size);
  if (range && range->is_empty()) {
    reply = error_reply(
        416, "range_not_satisfiable",
        "The range lies behind the end of the file, which has " + std::to_string(size) + " bytes.");
  } else if (range) {
    reply.status = 206;
    reply.bytes.reset(
        g_bytes_new_from_bytes(file.bytes.get(), range->first, range->end - range->first));
  } else {
    reply.bytes.reset(g_bytes_ref(file.bytes.get()));
  }
  if (range) reply.headers.emplace_back("Content-Range", content_range(*range, size));
  return reply;
}

}  // namespace genpro::emulator
