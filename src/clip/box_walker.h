// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace genpro::clip {

// Follows the top-level boxes of an MP4 (ISO/IEC 14496-12, section 4.2) that is read from its first
// byte on, to tell whether an end without a length is the clip's end or a broken connection.
class BoxWalker {
 public:
  void add(std::span<const unsigned char> bytes);
  // Whether the bytes so far end where a box ends. A box that reaches to the end of the file ends
  // anywhere, and bytes that are no boxes are taken as they are: another check tells those apart.
  bool at_boundary() const { return header_size_ == 0 && remaining_ == 0; }
  // Whether the clip may end here: at a boundary, and with both an index and media. One of the two
  // comes last, and a connection may well break between them.
  bool may_end() const { return at_boundary() && has_index_ && has_media_; }

 private:
  void on_header();

  std::array<unsigned char, 16> header_{};
  std::size_t header_size_ = 0;  // bytes of a header that is not complete yet
  std::uint64_t remaining_ = 0;  // bytes of the current box still to come
  bool until_end_ = false;
  bool has_index_ = false;
  bool has_media_ = false;
};

}  // namespace genpro::clip
