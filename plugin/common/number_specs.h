// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Properties that are numbers within a range, which the element itself looks at. GObject would only
// warn about one that is out of its range and leave the property as it was, so that a pipeline
// typed with duration=5000, or max-cost=-1, would ask for something else than was meant, and pay.
#pragma once

#include <glib-object.h>

#include <cstdint>

namespace genpro {

// As g_param_spec_uint() and so on; set_property gets each number.
GParamSpec* make_uint_spec(const char* name, const char* nick, const char* blurb, unsigned minimum,
                           unsigned maximum, unsigned initial, GParamFlags flags);
GParamSpec* make_uint64_spec(const char* name, const char* nick, const char* blurb,
                             std::uint64_t minimum, std::uint64_t maximum, std::uint64_t initial,
                             GParamFlags flags);
GParamSpec* make_double_spec(const char* name, const char* nick, const char* blurb, double minimum,
                             double maximum, double initial, GParamFlags flags);

}  // namespace genpro
