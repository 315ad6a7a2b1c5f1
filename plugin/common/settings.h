// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The settings of a generation as properties, the same for every element of the plugin.
#pragma once

#include <gst/gst.h>

#include "base/glib_ptr.h"
#include "common/messages.h"
#include "settings/job_settings.h"
#include "settings/table.h"

namespace genpro {

// Property numbers 1 … last_setting() belong to the settings; an element's own come after it.
unsigned last_setting();

// Settings are read when a generation is started; `mutability` is the GST_PARAM_MUTABLE_* flag that
// says when a change can still matter to an element. `gives_bytes`: rather than plays the clip.
void install_settings(GObjectClass* object_class, GParamFlags mutability, bool gives_bytes);
// `status`, `cost` and `estimate`, which are only read, under the three numbers from `first` on.
void install_generation_properties(GObjectClass* object_class, unsigned first);
// Reads one of them, or the id of a generation that there is as `generation-id`. False for others.
bool get_generation_property(const GenerationReport& report, const char* name, GValue* value);
// Both return false for a number that is not a setting's.
bool set_setting(Settings& settings, unsigned id, const GValue* value);
bool get_setting(const Settings& settings, unsigned id, GValue* value);

// The application's object that shows a client's certificate: what the element's context
// "genpro.tls-interaction" has in the field "tls-interaction". Null without one.
ObjectPtr<GTlsInteraction> tls_interaction_of(GstElement* element);

}  // namespace genpro
