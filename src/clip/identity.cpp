// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/identity.h"

#include <algorithm>
#include <vector>

#include "base/glib_ptr.h"
#include "base/text.h"
#include "clip/content_range.h"
#include "http/soup.h"

namespace genpro::clip {

namespace {

// A header that is there more than once is one list, so that no part of it is overlooked.
std::string header(SoupMessageHeaders* headers, const char* name) {
  const char* value = soup::message_headers_get_list(headers, name);
  return value != nullptr ? std::string(trim(value)) : std::string();
}

// libsoup takes the last of several lengths, though the body may be of another one.
bool is_one_length(std::string_view list) {
  const std::vector<std::string_view> lengths = split(list, ',');
  return std::all_of(lengths.begin(), lengths.end(), [&](std::string_view each) {
    return parse_unsigned(trim(each)) == parse_unsigned(trim(lengths.front()));
  });
}

std::string bytes_text(const std::optional<std::uint64_t>& total) {
  return total ? std::to_string(*total) : std::string("unknown");
}

std::string_view without_weakness(std::string_view tag) {
  return tag.starts_with("W/") ? tag.substr(2) : tag;
}

}  // namespace

std::string Identity::validator() const {
  if (has_strong_tag()) return entity_tag;
  return last_modified;
}

void Identity::add(const Identity& other) {
  if (entity_tag.empty()) entity_tag = other.entity_tag;
  if (last_modified.empty()) last_modified = other.last_modified;
  if (!total) total = other.total;
}

Part read_part(unsigned status, SoupMessageHeaders* headers, std::uint64_t offset) {
  Part part;
  part.identity.entity_tag = header(headers, "ETag");
  part.identity.last_modified = header(headers, "Last-Modified");
  if (soup::message_headers_get_encoding(headers) == SOUP_ENCODING_CONTENT_LENGTH) {
    const goffset length = soup::message_headers_get_content_length(headers);
    if (length >= 0) part.length = static_cast<std::uint64_t>(length);
    const std::string lengths = header(headers, "Content-Length");
    if (!is_one_length(lengths)) {
      part.wrong = "it has several lengths (" + one_line(lengths, 60) + ")";
      return part;
    }
  }

  if (status != SOUP_STATUS_PARTIAL_CONTENT) {
    part.identity.total = part.length;
    part.ranged = g_ascii_strcasecmp(header(headers, "Accept-Ranges").c_str(), "bytes") == 0;
    return part;
  }

  part.ranged = true;
  if (header(headers, "Content-Type").starts_with("multipart/")) {
    part.wrong = "it comes in several parts, though one range was asked for";
    return part;
  }
  const std::string text = header(headers, "Content-Range");
  const auto range = parse_content_range(text);
  if (!range) {
    part.wrong = "its Content-Range \"" + one_line(text, 60) + "\" makes no sense";
    return part;
  }
  part.first = range->first;
  part.identity.total = range->total;
  const std::uint64_t length = range->last - range->first + 1;
  if (range->first != offset) {
    part.wrong = "it begins at byte " + std::to_string(range->first) + " where byte " +
                 std::to_string(offset) + " was asked for";
  } else if (part.length && *part.length != length) {
    part.wrong = "its Content-Range names " + std::to_string(length) +
                 " bytes, but its length is " + std::to_string(*part.length);
  }
  part.length = length;
  return part;
}

std::string difference(const Identity& earlier, const Identity& later) {
  if (earlier.total && later.total && *earlier.total != *later.total) {
    return "its length was " + bytes_text(earlier.total) + " bytes and is " +
           bytes_text(later.total) + " now";
  }
  if (!earlier.entity_tag.empty() && !later.entity_tag.empty()) {
    // A server between may have made the tag of the same clip a weak one.
    return without_weakness(earlier.entity_tag) == without_weakness(later.entity_tag)
               ? ""
               : "its entity tag is another one now";
  }
  if (!earlier.last_modified.empty() && !later.last_modified.empty() &&
      earlier.last_modified != later.last_modified) {
    return "its modification date is another one now";
  }
  return "";
}

}  // namespace genpro::clip
