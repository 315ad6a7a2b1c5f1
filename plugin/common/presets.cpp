// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/presets.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/glib_ptr.h"
#include "settings/table.h"

namespace genpro {

namespace {

// All that is secret, an id, an address or content is text; what else is text is named here.
constexpr std::array<std::string_view, 7> held_texts = {
    "framerate", "placeholder-location", "fallback-location", "preroll",
    "model",     "aspect-ratio",         "resolution",
};

// Where the service is and which routes it has is not a matter of a preset, nor is a moment.
constexpr std::array<std::string_view, 3> no_matter = {"dialect", "take-at", "needed-by"};

// Of the element whose preset is being saved on this thread; null: none is.
thread_local const Settings* saved = nullptr;

bool is_held(GstPreset* preset, const GParamSpec* spec) {
  // In a preset it would be as good as set, and a profile's line would not count any more.
  if (saved != nullptr && find_setting(spec->name) != nullptr && !saved->is_set(spec->name)) {
    return false;
  }
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

bool has_preset(GstPreset* preset, const char* name) {
  const Owned<char*, g_strfreev> names(gst_preset_get_preset_names(preset));
  return names && g_strv_contains(names.get(), name);
}

// In place of the one of that name.
bool replace_preset(GstPreset* preset, const char* name) {
  // A preset without a property is not kept.
  const Owned<char*, g_strfreev> held(gst_preset_get_property_names(preset));
  if (!held || g_strv_length(held.get()) == 0) return false;
  GCharPtr comment;
  if (has_preset(preset, name)) {
    char* text = nullptr;
    gst_preset_get_meta(preset, name, "comment", &text);
    comment.reset(text);
    // Writes it as it is: where that fails, it is kept, since the new one could not be written.
    if (!gst_preset_set_meta(preset, name, "comment", text)) return false;
    // What it held before would stay in it.
    gst_preset_delete_preset(preset, name);
  }
  const auto* const base =
      static_cast<const GstPresetInterface*>(g_type_default_interface_peek(GST_TYPE_PRESET));
  const bool is_saved = base->save_preset(preset, name) != FALSE && has_preset(preset, name);
  if (is_saved && comment) gst_preset_set_meta(preset, name, "comment", comment.get());
  return is_saved;
}

}  // namespace

bool save_preset(GstPreset* preset, const char* name, const Settings& settings) {
  saved = &settings;
  const bool is_saved = replace_preset(preset, name);
  saved = nullptr;
  return is_saved;
}

void init_presets(gpointer preset_interface, gpointer) {
  static_cast<GstPresetInterface*>(preset_interface)->get_property_names = get_property_names;
}

}  // namespace genpro
