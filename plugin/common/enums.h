// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The enumerations of the elements' properties. Their nicks are the words of a launch line; apart
// from `default`, those of models and aspect ratios are the service's own.
#pragma once

#include <glib-object.h>

#include <string>

#include "job/job.h"

namespace genpro {

// `values` live as long as the process.
GType register_enum(const char* name, const GEnumValue* values);

// Values: see the table in enums.cpp. 0 is `default`: not sent, the cell decides.
GType model_type();
GType aspect_ratio_type();
// Values: job::Reuse.
GType reuse_type();
inline constexpr int on_shutdown_stop = 0;
inline constexpr int on_shutdown_detach = 1;
GType on_shutdown_type();
inline constexpr int when_in_doubt_likely = 0;
inline constexpr int when_in_doubt_ask = 1;
GType when_in_doubt_type();
// Values: job::Status.
GType status_type();

// The service's word for a value of one of the first two; empty for `default`.
std::string service_word(GType type, int value);
const char* status_nick(job::Status status);

}  // namespace genpro
