// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What kind of file the first bytes of a clip belong to.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace genpro::clip {

// As many bytes as a verdict needs: a box header and the major brand behind it.
inline constexpr std::size_t container_head_size = 12;

// The members of the MP4 family, as far as their media types differ.
enum class Container { iso, fragmented, quicktime, mpeg4_3gpp };

// Nothing when the bytes do not begin a file of the MP4 family (ISO/IEC 14496-12): HTML, JSON, a
// picture, another container. Fewer bytes than container_head_size are no such file.
std::optional<Container> identify_container(std::span<const unsigned char> head);

}  // namespace genpro::clip
