// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an item of genprobin's queue is set up with, from text.
#pragma once

#include <string>

#include "base/error.h"
#include "settings/settings.h"

namespace genpro::bin {

// `defaults`, and in their place what `text` says: a JSON object whose members are settings of a
// generation (a value is a string, number or boolean; a list of them stands for a text with commas,
// an object for its JSON), or a GstStructure of any name with such fields. Fails with
// ErrorKind::settings when that is neither, or is nothing that could be asked for; a message never
// holds a secret. Reads local files, such as the configuration; asks no service.
Result<Settings> item_settings(Settings defaults, const std::string& text);

}  // namespace genpro::bin
