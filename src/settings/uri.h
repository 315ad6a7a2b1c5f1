// SPDX-License-Identifier: LGPL-2.1-or-later
//
// genpro URIs: settings in one line, for what opens URIs and knows no settings.
//
//   genpro://generation/ID                attaches to a generation
//   genpro://SHEET/CELL?NAME=VALUE&…      asks for one; NAME is a setting's
//   genpro:///?NAME=VALUE&…               the same, in the cell of the environment
//   genpro:///FOLDER/NAME.genpro          a recipe: a key file whose group `genpro` has the same
//
// Values are percent-encoded (RFC 3986). A recipe takes further parameters, which win over its own.
// Unless it says otherwise, a URI stands for one clip, however often it is opened: reuse=completed,
// on-shutdown=detach.
//
// A URI or a recipe may come from anywhere, and is shown and kept. It has no key and no name of
// one, no way to the API, no file to write and no limit of what is spent, but for max-cost, which
// it can only lower; and api-base-url in it names an origin that is set without it, or the
// service's own.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "settings/settings.h"

namespace genpro {

inline constexpr const char* uri_protocol = "genpro";

// `settings` with what the URI says. Reads a recipe's file, and the configuration where the URI has
// an api-base-url. Fails with ErrorKind::open_read when there is no recipe, otherwise with
// ErrorKind::settings; the message names the parameter, and never holds a secret.
Result<Settings> apply_uri(Settings settings, const std::string& uri);
// The URI that says what the settings say, but for what no URI may say. None where they ask for
// nothing.
std::optional<std::string> make_uri(const Settings& settings);

}  // namespace genpro
