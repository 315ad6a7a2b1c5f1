// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which bytes a URL stands for, so that the parts of one clip are never joined to those of another.
#pragma once

#include <libsoup/soup.h>

#include <cstdint>
#include <optional>
#include <string>

namespace genpro::clip {

struct Identity {
  std::string entity_tag;              // as on the wire, with quotes; empty when there is none
  std::string last_modified;           // as on the wire; empty when there is none
  std::optional<std::uint64_t> total;  // length of the whole clip in bytes

  // What If-Range may hold: a strong entity tag, else the date. Empty when there is neither.
  std::string validator() const;
  bool has_strong_tag() const { return entity_tag.starts_with('"'); }
  // Takes over what is not known yet.
  void add(const Identity& other);
};

// The answer to a request, as far as it matters for joining bytes.
struct Part {
  Identity identity;
  std::uint64_t first = 0;              // offset of the body's first byte in the clip
  std::optional<std::uint64_t> length;  // of the body, in bytes, as announced
  bool ranged = false;                  // the server honours byte ranges
  std::string wrong;  // a fragment, when the answer contradicts itself or the request
};

// Reads the head of a 200 or 206 answer to a request for the bytes from `offset` on.
Part read_part(unsigned status, SoupMessageHeaders* headers, std::uint64_t offset);

// Why `later` is not of the same clip as `earlier`: a fragment, empty when it may well be.
std::string difference(const Identity& earlier, const Identity& later);

}  // namespace genpro::clip
