// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What gst-inspect-1.0 and a visual editor see of genprobin.
#include <algorithm>
#include <filesystem>
#include <set>

#include "live/live_fixture.h"

namespace genpro::test {
namespace {

// Of the element itself: name, G_TYPE_ENUM for any enum, value right after creation.
struct Property {
  const char* name;
  GType type;
  const char* value;
};

// Printed by GoogleTest in place of the bytes.
void PrintTo(const Property& property, std::ostream* out) {
  *out << property.name;
}

const Property own_properties[] = {
    {"width", G_TYPE_UINT, "0"},
    {"height", G_TYPE_UINT, "0"},
    {"framerate", G_TYPE_STRING, "30/1"},
    {"format", G_TYPE_ENUM, "auto"},
    {"placeholder", G_TYPE_ENUM, "black"},
    {"placeholder-location", G_TYPE_STRING, ""},
    {"at-end", G_TYPE_ENUM, "placeholder"},
    {"preroll", G_TYPE_STRING, "0"},
    {"on-starve", G_TYPE_ENUM, "hold"},
    {"on-error", G_TYPE_ENUM, "placeholder"},
    {"fade", G_TYPE_UINT, "0"},
    {"auto-generate", G_TYPE_BOOLEAN, "false"},
    {"loudness-target", G_TYPE_DOUBLE, "0"},
    {"stats-interval", G_TYPE_UINT, "0"},
    {"start-mode", G_TYPE_ENUM, "auto"},
    {"take-at", G_TYPE_UINT64, "18446744073709551615"},
    {"take-at-timecode", G_TYPE_STRING, ""},
    {"needed-by", G_TYPE_UINT64, "18446744073709551615"},
    {"needed-by-time", G_TYPE_STRING, ""},
    {"fallback-location", G_TYPE_STRING, ""},
    {"late-clip", G_TYPE_ENUM, "drop"},
    {"prefetch", G_TYPE_UINT, "1"},
};

ElementPtr bare_bin() {
  ElementPtr bin = sink_ref(gst_element_factory_make("genprobin", nullptr));
  if (!bin) throw std::runtime_error("no element genprobin: is GST_PLUGIN_PATH set?");
  return bin;
}

GParamSpec* find(GstElement* element, const char* name) {
  return g_object_class_find_property(G_OBJECT_GET_CLASS(element), name);
}

// Those that are not every bin's.
std::vector<GParamSpec*> properties_of(GstElement* element) {
  guint number = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &number);
  std::vector<GParamSpec*> result;
  for (guint i = 0; i < number; ++i)
    if (specs[i]->owner_type == G_OBJECT_TYPE(element)) result.push_back(specs[i]);
  g_free(specs);
  return result;
}

class OwnProperty : public testing::TestWithParam<Property> {};

TEST_P(OwnProperty, IsPlainAndHasItsDefault) {
  const ElementPtr bin = bare_bin();
  GParamSpec* spec = find(bin.get(), GetParam().name);
  ASSERT_NE(spec, nullptr);
  if (GetParam().type == G_TYPE_ENUM) {
    EXPECT_TRUE(G_IS_PARAM_SPEC_ENUM(spec));
  } else {
    EXPECT_EQ(spec->value_type, GetParam().type);
  }
  EXPECT_NE(spec->flags & G_PARAM_READABLE, 0U);
  EXPECT_NE(spec->flags & G_PARAM_WRITABLE, 0U);
  EXPECT_NE(spec->flags & GST_PARAM_MUTABLE_PLAYING, 0U);
  EXPECT_EQ(get_property(bin.get(), GetParam().name), GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(Face, OwnProperty, testing::ValuesIn(own_properties),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Face, HasAllSettingsOfTheSource) {
  const ElementPtr bin = bare_bin();
  const ElementPtr src = bare_src();
  for (const GParamSpec* wanted : properties_of(src.get())) {
    // The order of the bytes is nothing to who shows pictures.
    if (wanted->name == std::string("faststart")) continue;
    const GParamSpec* spec = find(bin.get(), wanted->name);
    ASSERT_NE(spec, nullptr) << wanted->name;
    EXPECT_EQ(spec->value_type, wanted->value_type) << wanted->name;
    constexpr auto access = static_cast<GParamFlags>(G_PARAM_READWRITE);
    EXPECT_EQ(spec->flags & access, wanted->flags & access) << wanted->name;
    if ((wanted->flags & G_PARAM_READABLE) == 0) continue;
    EXPECT_EQ(get_property(bin.get(), wanted->name), get_property(src.get(), wanted->name))
        << wanted->name;
  }
}

TEST(Face, IsOfPlainTypesOnly) {
  const ElementPtr bin = bare_bin();
  for (const GParamSpec* spec : properties_of(bin.get())) {
    const GType type = spec->value_type;
    // Editors leave it out; programs read it.
    if (spec->name == std::string("stats")) continue;
    EXPECT_TRUE(type == G_TYPE_STRING || type == G_TYPE_BOOLEAN || type == G_TYPE_INT ||
                type == G_TYPE_UINT || type == G_TYPE_UINT64 || type == G_TYPE_DOUBLE ||
                g_type_is_a(type, G_TYPE_ENUM))
        << spec->name << " is a " << g_type_name(type);
    const bool is_readable = (spec->flags & G_PARAM_READABLE) != 0;
    EXPECT_EQ(is_readable, std::string(spec->name) != "api-key") << spec->name;
  }
}

TEST(Face, SaysWhatEachSettingIsAndItsDefault) {
  const ElementPtr bin = bare_bin();
  for (GParamSpec* spec : properties_of(bin.get())) {
    const std::string blurb = g_param_spec_get_blurb(spec);
    EXPECT_GE(blurb.size(), 20U) << spec->name;
    EXPECT_NE(std::string(g_param_spec_get_nick(spec)), spec->name) << spec->name;
    const bool is_setting = (spec->flags & G_PARAM_WRITABLE) != 0;
    EXPECT_TRUE(!is_setting || blurb.find("default") != std::string::npos)
        << spec->name << ": " << blurb;
  }
}

TEST(Face, TakesAndGivesEveryValue) {
  const ElementPtr bin = bare_bin();
  const std::vector<std::pair<const char*, std::vector<const char*>>> values = {
      {"width", {"640", "16384", "0"}},
      {"height", {"360"}},
      {"framerate", {"25/1", "30000/1001", "50"}},
      {"format", {"I420", "NV12", "AYUV", "BGRA", "auto"}},
      {"placeholder", {"black", "transparent", "slate", "image"}},
      {"placeholder-location", {"/some/where/logo.png", ""}},
      {"at-end", {"placeholder", "hold", "loop", "eos"}},
      {"on-error", {"placeholder", "error"}},
      {"fade", {"500", "0"}},
      {"auto-generate", {"true", "false"}},
      {"prompt", {"A thing"}},
      {"aspect-ratio", {"1:1", "9:16", "16:9", "default"}},
  };
  for (const auto& [name, texts] : values) {
    for (const char* text : texts) {
      set_property(bin.get(), name, text);
      EXPECT_EQ(get_property(bin.get(), name), text) << name;
    }
  }
}

TEST(Face, IsThatOfALiveSource) {
  const ElementPtr bin = bare_bin();
  EXPECT_STREQ(gst_element_get_metadata(bin.get(), GST_ELEMENT_METADATA_KLASS),
               "Source/Video/Audio/Network");
  for (const auto& [name, media] : {std::pair("video", "video/x-raw"), {"audio", "audio/x-raw"}}) {
    const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(bin.get(), name));
    ASSERT_TRUE(pad) << name;
    EXPECT_EQ(GST_PAD_DIRECTION(pad.get()), GST_PAD_SRC);
    const CapsPtr caps(gst_pad_query_caps(pad.get(), nullptr));
    ASSERT_FALSE(gst_caps_is_empty(caps.get())) << name;
    ASSERT_FALSE(gst_caps_is_any(caps.get())) << name;
    EXPECT_STREQ(gst_structure_get_name(gst_caps_get_structure(caps.get(), 0)), media);
  }
  EXPECT_EQ(bin->numsinkpads, 0);
}

TEST(Face, HasItsSignals) {
  const ElementPtr bin = bare_bin();
  for (const char* name : {"generate", "generation-started", "generation-completed",
                           "generation-failed", "clip-started", "clip-ended"})
    EXPECT_NE(g_signal_lookup(name, G_OBJECT_TYPE(bin.get())), 0U) << name;
  GSignalQuery query;
  g_signal_query(g_signal_lookup("generate", G_OBJECT_TYPE(bin.get())), &query);
  EXPECT_NE(query.signal_flags & G_SIGNAL_ACTION, 0U);
}

std::set<std::string> threads() {
  std::set<std::string> ids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
    ids.insert(entry.path().filename());
  return ids;
}

TEST(Face, OfAnElementThatIsNotUsedTakesNoThread) {
  const std::set<std::string> before = threads();
  {
    const ElementPtr bin = bare_bin();
    for (const GParamSpec* spec : properties_of(bin.get())) {
      if ((spec->flags & G_PARAM_READABLE) != 0) get_property(bin.get(), spec->name);
    }
    set_property(bin.get(), "placeholder", "slate");
    for (const std::string& id : threads()) EXPECT_TRUE(before.contains(id)) << "a new thread";
  }
  for (const std::string& id : threads()) EXPECT_TRUE(before.contains(id)) << "a new thread";
}

TEST(Face, IsShownByInspect) {
  const Finished shown = run_command({"gst-inspect-1.0", "genprobin"}, tool_environment());
  ASSERT_TRUE(shown.in_time);
  ASSERT_EQ(shown.exit_code, 0) << shown.out;
  for (const Property& property : own_properties)
    EXPECT_NE(shown.out.find(property.name), std::string::npos) << property.name;
  for (const char* word : {"SRC template: 'video'", "SRC template: 'audio'", "\"generate\"",
                           "\"clip-started\"", "Source/Video/Audio/Network"})
    EXPECT_NE(shown.out.find(word), std::string::npos) << word << "\n" << shown.out;
}

}  // namespace
}  // namespace genpro::test
