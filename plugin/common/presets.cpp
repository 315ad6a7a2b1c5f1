// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/presets.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/glib_ptr.h"

namespace genpro {

namespace {

// All that is secret, an id, an address or content is text; what else is text is named here.
constexpr std::array<std::string_view, 5> held_texts = {
    "framerate", "placeholder-location", "model", "aspect-ratio", "resolution",
};

// Where the service is and which routes it has is not a matter of a preset, nor is a moment.
constexpr std::array<std::string_view, 3> no_matter = {"dialect", "take-at", "needed-by"};

bool is_held(GstPreset* preset, const GParamSpec* spec) {
  return std::ranges::find(no_matter, spec->name) == no_matter.end() &&
         spec->owner_type == G_OBJECT_TYPE(preset) && (spec->flags & G_PARAM_READABLE) != 0 &&
         (spec->flags & G_PARAM_WRITABLE) != 0 &&
         (spec->value_type != G_TYPE_STRING ||
          std::ranges::find(held_texts, spec->name) != held_texts.end());
}

char** get_property_names(GstPreset* preset) {
  guint number = 0;
  const Owned<GParamSpec*, g_free> specs(
      g_object_class_list_properties(G_OBJECT_GET_CLASS(preset), &number));
  const Owned<GStrvBuilder, g_strv_builder_unref> names(g_strv_builder_new());
  for (guint i = 0; i < number; ++i) {
    const GParamSpec* spec = specs.get()[i];
    if (is_held(preset, spec)) g_strv_builder_add(names.get(), spec->name);
  }
  return g_strv_builder_end(names.get());
}

}  // namespace

void init_presets(gpointer preset_interface, gpointer) {
  static_cast<GstPresetInterface*>(preset_interface)->get_property_names = get_property_names;
}

}  // namespace genpro
