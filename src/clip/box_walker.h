// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace genpro::clip {

struct BoxHeader {
  std::string_view type;              // within the bytes that were parsed
  std::size_t length = 0;             // of the header itself
  std::optional<std::uint64_t> size;  // of the box with its header; unset: to the end of the file
};

// Of an MP4 (ISO/IEC 14496-12, section 4.2). Nothing when more bytes are needed: 16 are enough. A
// size that makes no sense is none.
std::optional<BoxHeader> parse_box_header(std::span<const unsigned char> bytes);

// Corrects the chunk offsets (stco, co64) in an MP4's moov box, which moves from behind the bytes
// `begin` to `end` of the clip to before them. False when the box is damaged, compressed, or has no
// room for a larger offset; it is not to be used then.
bool shift_chunks(std::span<unsigned char> moov, std::uint64_t begin, std::uint64_t end);

// How a track is to be shown: x' = ax + cy, y' = bx + dy, in 16.16 fixed-point numbers.
struct TrackMatrix {
  std::int32_t a = 0;
  std::int32_t b = 0;
  std::int32_t c = 0;
  std::int32_t d = 0;
};
// That of the track with this id in an MP4's moov box (section 8.3.2).
std::optional<TrackMatrix> track_matrix(std::span<const unsigned char> moov, std::uint64_t track);
// What an MP4's moov box has of video: no track (section 8.4.3), tracks whose tables list no frame
// (section 8.7.3), or more. Fragments have their frames elsewhere.
enum class VideoIndex { no_track, no_frames, frames };
VideoIndex video_index(std::span<const unsigned char> moov);

// Follows the top-level boxes of an MP4 that is read from its first byte on, to tell whether an end
// without a length is the clip's end or a broken connection.
class BoxWalker {
 public:
  void add(std::span<const unsigned char> bytes);
  // Whether the bytes so far end where a box ends. A box that reaches to the end of the file ends
  // anywhere, and bytes that are no boxes are taken as they are: another check tells those apart.
  bool at_boundary() const { return header_size_ == 0 && remaining_ == 0; }
  // Whether the clip may end here: at a boundary, and with both an index and media. One of the two
  // comes last, and a connection may well break between them.
  bool may_end() const { return at_boundary() && has_index_ && has_media_; }
  // Whether no index and no media are known to be missing, though it does not end there.
  bool may_end_in_box() const {
    return has_index_ && has_media_ && (remaining_ == 0 || !is_needed_);
  }

 private:
  void on_header();

  std::array<unsigned char, 16> header_{};
  std::size_t header_size_ = 0;  // bytes of a header that is not complete yet
  std::uint64_t remaining_ = 0;  // bytes of the current box still to come
  bool until_end_ = false;
  bool is_needed_ = false;  // the current box is an index or media
  bool has_index_ = false;
  bool has_media_ = false;
};

}  // namespace genpro::clip
