// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The enumerations of the elements' properties. Their nicks are the words of a launch line.
#pragma once

#include <glib-object.h>

#include <string_view>

#include "job/job.h"
#include "settings/table.h"

namespace genpro {

// `values` live as long as the process.
GType register_enum(const char* name, const GEnumValue* values);

// Of a setting that has choices: their words are the nicks, and their places the values.
GType choice_type(const Setting& setting);
int index_of(const ChoiceMember& choice, std::string_view word);
// Values: job::Status.
GType status_type();

const char* status_nick(job::Status status);

}  // namespace genpro
