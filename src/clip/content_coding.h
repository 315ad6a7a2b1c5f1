// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a body is sent in, though its bytes were asked for as they are (RFC 9110, 8.4).
#pragma once

#include <gio/gio.h>

#include <optional>
#include <string_view>
#include <vector>

#include "base/glib_ptr.h"

namespace genpro::clip {

// What a body with that Content-Encoding may be in, in the order in which it is to be tried. Empty:
// it is as it was asked for; nothing: in what cannot be decoded here.
std::optional<std::vector<GZlibCompressorFormat>> formats_of(std::string_view content_encoding);

// Of gzip, all members of the body are decoded, and what follows them is left out.
ObjectPtr<GConverter> make_decoder(GZlibCompressorFormat format);

}  // namespace genpro::clip
