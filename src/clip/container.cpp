// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/container.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace genpro::clip {

namespace {

// Boxes that may stand first in a file without a file type box, or before it: QuickTime before
// there was one, writers that leave room at the front, and previews.
constexpr std::array<std::string_view, 11> bare_first_boxes = {
    "moov", "mdat", "free", "skip", "wide", "pnot", "uuid", "PICT", "prfl", "pdin", "meta"};

// Those that go before a fragment.
constexpr std::array<std::string_view, 5> fragment_boxes = {"moof", "sidx", "ssix", "emsg", "prft"};

template <std::size_t size>
bool holds(const std::array<std::string_view, size>& types, std::string_view type) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

}  // namespace

std::optional<Container> identify_container(std::span<const unsigned char> head) {
  if (head.size() < container_head_size) return std::nullopt;
  const std::uint32_t size = static_cast<std::uint32_t>(head[0]) << 24 |
                             static_cast<std::uint32_t>(head[1]) << 16 |
                             static_cast<std::uint32_t>(head[2]) << 8 | head[3];
  const auto* text = reinterpret_cast<const char*>(head.data());
  const std::string_view type(text + 4, 4);
  const std::string_view brand(text + 8, 4);
  // 0: to the end of the file; 1: a 64-bit size follows; else the header is counted in.
  if (size != 0 && size != 1 && size < 8) return std::nullopt;

  if (type == "ftyp" || type == "styp") {
    if (size == 0) return std::nullopt;
    // The brand of a 64-bit box comes later.
    if (size == 1 || size < container_head_size) return Container::iso;
    if (brand == "qt  ") return Container::quicktime;
    if (brand.starts_with("3gp") || brand.starts_with("3g2")) return Container::mpeg4_3gpp;
    if (type == "styp" || brand == "dash" || brand == "msdh" || brand == "cmfc") {
      return Container::fragmented;
    }
    return Container::iso;
  }
  if (holds(fragment_boxes, type)) return Container::fragmented;
  if (holds(bare_first_boxes, type)) return Container::quicktime;
  return std::nullopt;
}

}  // namespace genpro::clip
