// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What gst-inspect-1.0 and a visual editor see of genprosrc.
#include <algorithm>

#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

enum class Access { read_write, write_only, read_only };

struct Property {
  const char* name;
  GType type;         // G_TYPE_ENUM stands for any enum
  const char* value;  // as text right after creation
  Access access = Access::read_write;
};

// Printed by GoogleTest in place of the bytes.
void PrintTo(const Property& property, std::ostream* out) {
  *out << property.name;
}

constexpr const char* in_state_folder = "genpro/ledger.db";

const Property properties[] = {
    {"profile", G_TYPE_STRING, ""},
    {"api-base-url", G_TYPE_STRING, "https://api.gen.pro/v1"},
    {"api-key", G_TYPE_STRING, "", Access::write_only},
    {"api-key-file", G_TYPE_STRING, ""},
    {"proxy", G_TYPE_STRING, ""},
    {"ca-file", G_TYPE_STRING, ""},
    {"sheet-route", G_TYPE_STRING, "autocontentengine"},
    {"sheet-id", G_TYPE_STRING, ""},
    {"cell-id", G_TYPE_STRING, ""},
    {"layer-id", G_TYPE_STRING, ""},
    {"agent-id", G_TYPE_STRING, ""},
    {"prompt", G_TYPE_STRING, ""},
    {"asset-ids", G_TYPE_STRING, ""},
    {"ingredients", G_TYPE_STRING, ""},
    {"model", G_TYPE_STRING, "default"},
    {"aspect-ratio", G_TYPE_STRING, "default"},
    {"generation-type", G_TYPE_ENUM, "video_from_ingredients"},
    {"dialect", G_TYPE_ENUM, "seed"},
    {"negative-prompt", G_TYPE_STRING, ""},
    {"resolution", G_TYPE_STRING, ""},
    {"native-audio", G_TYPE_ENUM, "default"},
    {"duration", G_TYPE_UINT, "0"},
    {"prompt-var", G_TYPE_STRING, ""},
    {"content-resource-vars", G_TYPE_STRING, ""},
    {"variables", G_TYPE_STRING, ""},
    {"extra-data", G_TYPE_STRING, ""},
    {"generation-id", G_TYPE_STRING, ""},
    {"reuse", G_TYPE_ENUM, "in-flight"},
    {"on-shutdown", G_TYPE_ENUM, "stop"},
    {"when-in-doubt", G_TYPE_ENUM, "likely"},
    {"ledger", G_TYPE_STRING, in_state_folder},
    {"archive", G_TYPE_STRING, ""},
    {"daily-generation-limit", G_TYPE_UINT, "0"},
    {"max-cost", G_TYPE_DOUBLE, "0"},
    {"daily-cost-limit", G_TYPE_DOUBLE, "0"},
    {"generation-timeout", G_TYPE_UINT, "3600"},
    {"poll-interval", G_TYPE_UINT, "0"},
    {"stall-timeout", G_TYPE_UINT, "15"},
    {"retries", G_TYPE_UINT, "5"},
    {"max-clip-size", G_TYPE_UINT64, "4294967296"},
    {"status", G_TYPE_ENUM, "idle", Access::read_only},
    {"cost", G_TYPE_DOUBLE, "-1", Access::read_only},
    {"estimate", G_TYPE_DOUBLE, "-1", Access::read_only},
    {"faststart", G_TYPE_BOOLEAN, "false"},
};

GParamSpec* find(GstElement* src, const char* name) {
  return g_object_class_find_property(G_OBJECT_GET_CLASS(src), name);
}

// A value of the property's type that is not its default.
std::string other_nick(GstElement* src, const Property& property) {
  const GEnumClass* type = G_PARAM_SPEC_ENUM(find(src, property.name))->enum_class;
  for (guint i = 0; i < type->n_values; ++i) {
    if (std::string(property.value) != type->values[i].value_nick)
      return type->values[i].value_nick;
  }
  return "";
}

class FaceOf : public testing::TestWithParam<Property> {};

TEST_P(FaceOf, TypeDefaultAndAccess) {
  const Property& property = GetParam();
  ElementPtr src = bare_src();
  GParamSpec* spec = find(src.get(), property.name);
  ASSERT_NE(spec, nullptr);
  if (property.type == G_TYPE_ENUM)
    EXPECT_TRUE(G_IS_PARAM_SPEC_ENUM(spec));
  else
    EXPECT_EQ(spec->value_type, property.type) << g_type_name(spec->value_type);
  EXPECT_EQ((spec->flags & G_PARAM_READABLE) != 0, property.access != Access::write_only);
  EXPECT_EQ((spec->flags & G_PARAM_WRITABLE) != 0, property.access != Access::read_only);
  EXPECT_EQ(spec->flags & G_PARAM_CONSTRUCT_ONLY, 0);
  EXPECT_EQ(spec->flags & GST_PARAM_CONTROLLABLE, 0);
  if (property.access != Access::write_only) {
    std::string value = property.value;
    if (property.value == in_state_folder) {
      value = std::string(g_getenv("XDG_STATE_HOME")) + "/" + value;
    }
    EXPECT_EQ(std::string(get_property(src.get(), property.name)), value);
  }
  if (property.access != Access::read_only) {
    EXPECT_NE(spec->flags &
                  (GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PAUSED | GST_PARAM_MUTABLE_PLAYING),
              0)
        << "says when it may be set";
  }
}

TEST_P(FaceOf, HasABlurbThatExplains) {
  const Property& property = GetParam();
  ElementPtr src = bare_src();
  GParamSpec* spec = find(src.get(), property.name);
  ASSERT_NE(spec, nullptr);
  const char* blurb = g_param_spec_get_blurb(spec);
  ASSERT_NE(blurb, nullptr);
  EXPECT_GE(std::string(blurb).size(), 15U) << blurb;
  EXPECT_NE(std::string(blurb), g_param_spec_get_nick(spec));
}

TEST_P(FaceOf, CanBeSetAgainAfterReady) {
  const Property& property = GetParam();
  if (property.access == Access::read_only) return;
  ElementPtr src = bare_src();
  const std::string value = property.type == G_TYPE_STRING ? "1" : property.value;
  set_property(src.get(), property.name, value);
  ASSERT_EQ(gst_element_set_state(src.get(), GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  const std::string other = property.type == G_TYPE_STRING    ? "2"
                            : property.type == G_TYPE_ENUM    ? other_nick(src.get(), property)
                            : property.type == G_TYPE_BOOLEAN ? "true"
                                                              : "7";
  set_property(src.get(), property.name, other);
  if (property.access == Access::read_write) {
    EXPECT_EQ(get_property(src.get(), property.name), other);
  }
  gst_element_set_state(src.get(), GST_STATE_NULL);
  if (property.access == Access::read_write) {
    EXPECT_EQ(get_property(src.get(), property.name), other) << "settings outlive a run";
  }
}

INSTANTIATE_TEST_SUITE_P(Each, FaceOf, testing::ValuesIn(properties), [](const auto& tested) {
  std::string name = tested.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(Face, HasNoOtherProperty) {
  ElementPtr src = bare_src();
  guint number = 0;
  Owned<GParamSpec*, g_free> specs(
      g_object_class_list_properties(G_OBJECT_GET_CLASS(src.get()), &number));
  for (guint i = 0; i < number; ++i) {
    const GParamSpec* spec = specs.get()[i];
    if (spec->owner_type != G_OBJECT_TYPE(src.get())) continue;
    EXPECT_TRUE(std::any_of(
        std::begin(properties), std::end(properties),
        [&](const Property& property) { return property.name == std::string(spec->name); }))
        << spec->name;
  }
}

void expect_nicks(const char* property, const std::vector<std::string>& nicks) {
  ElementPtr src = bare_src();
  GParamSpec* spec = find(src.get(), property);
  ASSERT_NE(spec, nullptr);
  ASSERT_TRUE(G_IS_PARAM_SPEC_ENUM(spec));
  const GEnumClass* values = G_PARAM_SPEC_ENUM(spec)->enum_class;
  std::vector<std::string> found;
  for (guint i = 0; i < values->n_values; ++i) found.emplace_back(values->values[i].value_nick);
  EXPECT_EQ(found, nicks);
}

TEST(Face, EnumsHaveTheWordsOfTheService) {
  expect_nicks("dialect", {"seed", "vidsheet", "actions"});
  expect_nicks("native-audio", {"default", "on", "off"});
  expect_nicks("when-in-doubt", {"likely", "ask"});
  expect_nicks("status", {"idle", "submitting", "pending", "processing", "streaming", "done",
                          "failed", "stopped"});
}

TEST(Face, ThePasswordOfALedgersServerIsNotReadBack) {
  const ElementPtr element = bare_src();
  g_object_set(element.get(), "ledger", "postgresql://me:s3same@db.test/studio", nullptr);
  char* ledger = nullptr;
  g_object_get(element.get(), "ledger", &ledger, nullptr);
  EXPECT_EQ(take_string(ledger), "postgresql://me:***@db.test/studio");
}

TEST(Face, SaysWhatItIs) {
  ElementPtr src = bare_src();
  GstElementFactory* factory = gst_element_get_factory(src.get());
  EXPECT_STREQ(gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_KLASS),
               "Source/Network");
  for (const char* key : {GST_ELEMENT_METADATA_LONGNAME, GST_ELEMENT_METADATA_DESCRIPTION,
                          GST_ELEMENT_METADATA_AUTHOR}) {
    const char* text = gst_element_factory_get_metadata(factory, key);
    ASSERT_NE(text, nullptr) << key;
    EXPECT_STRNE(text, "") << key;
  }
  EXPECT_TRUE(g_type_is_a(G_OBJECT_TYPE(src.get()), g_type_from_name("GstBaseSrc")));
}

TEST(Face, HasOnePadThatIsAlwaysThere) {
  ElementPtr src = bare_src();
  GstElementFactory* factory = gst_element_get_factory(src.get());
  const GList* templates = gst_element_factory_get_static_pad_templates(factory);
  ASSERT_EQ(g_list_length(const_cast<GList*>(templates)), 1U);
  const auto* pad = static_cast<const GstStaticPadTemplate*>(templates->data);
  EXPECT_STREQ(pad->name_template, "src");
  EXPECT_EQ(pad->direction, GST_PAD_SRC);
  EXPECT_EQ(pad->presence, GST_PAD_ALWAYS);
  EXPECT_TRUE(PadPtr::adopt(gst_element_get_static_pad(src.get(), "src")));
}

TEST(Face, GstInspectShowsItWithoutAComplaint) {
  Environment environment = tool_environment();
  environment.emplace_back("G_DEBUG", "fatal-warnings");
  const Finished finished = run_command({"gst-inspect-1.0", "genprosrc"}, environment);
  ASSERT_TRUE(finished.in_time);
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  for (const Property& property : properties)
    EXPECT_NE(finished.out.find(std::string("  ") + property.name), std::string::npos)
        << property.name;
  EXPECT_EQ(finished.out.find("WARNING"), std::string::npos) << finished.out;
}

struct Range {
  const char* name;
  unsigned minimum;
  unsigned maximum;
};

TEST(Face, NumbersHaveTheRangeThatMakesSense) {
  const Range ranges[] = {{"duration", 0, 3600},
                          {"daily-generation-limit", 0, 1'000'000},
                          {"generation-timeout", 0, 604'800},
                          {"poll-interval", 0, 3'600'000},
                          {"stall-timeout", 1, 3600},
                          {"retries", 0, 100}};
  for (const char* type : {"genprosrc", "genprobin"}) {
    const ElementPtr element = sink_ref(gst_element_factory_make(type, nullptr));
    for (const auto& [name, minimum, maximum] : ranges) {
      const GParamSpecUInt* spec = G_PARAM_SPEC_UINT(find(element.get(), name));
      EXPECT_EQ(spec->minimum, minimum) << name;
      EXPECT_EQ(spec->maximum, maximum) << name;
      // As with any element: GObject complains, in newer versions of GLib by a critical message,
      // and nothing changes.
      const std::string before = get_property(element.get(), name);
      const GLogLevelFlags fatal =
          g_log_set_always_fatal(static_cast<GLogLevelFlags>(G_LOG_FATAL_MASK));
      set_property(element.get(), name, std::to_string(maximum + 1));
      g_log_set_always_fatal(fatal);
      EXPECT_EQ(get_property(element.get(), name), before) << name;
      set_property(element.get(), name, std::to_string(maximum));
      EXPECT_EQ(get_property(element.get(), name), std::to_string(maximum)) << name;
    }
  }
}

// Editors list the values by their numbers, and show their names beside them.
TEST(Face, EnumsCountFromTheirDefaultAndAreNamedInAFewWords) {
  unsigned enums = 0;
  for (const char* type : {"genprosrc", "genprobin"}) {
    const ElementPtr element = sink_ref(gst_element_factory_make(type, nullptr));
    guint number = 0;
    const Owned<GParamSpec*, g_free> specs(
        g_object_class_list_properties(G_OBJECT_GET_CLASS(element.get()), &number));
    for (guint i = 0; i < number; ++i) {
      if (!G_IS_PARAM_SPEC_ENUM(specs.get()[i])) continue;
      ++enums;
      const std::string name = specs.get()[i]->name;
      const GParamSpecEnum* spec = G_PARAM_SPEC_ENUM(specs.get()[i]);
      EXPECT_EQ(spec->default_value, 0) << name;
      for (guint value = 0; value < spec->enum_class->n_values; ++value) {
        const GEnumValue& entry = spec->enum_class->values[value];
        EXPECT_EQ(entry.value, static_cast<int>(value)) << name << " " << entry.value_nick;
        const std::string words = entry.value_name;
        const auto spaces = std::ranges::count(words, ' ');
        EXPECT_TRUE(spaces == 1 || spaces == 2) << name << " " << words;
      }
    }
  }
  EXPECT_EQ(enums, 7U + 14U);
}

// An editor lists them in this order, behind those of the base classes.
TEST(Face, WhatTheVideoShowsComesFirst) {
  for (const char* type : {"genprosrc", "genprobin"}) {
    const ElementPtr element = sink_ref(gst_element_factory_make(type, nullptr));
    guint number = 0;
    const Owned<GParamSpec*, g_free> specs(
        g_object_class_list_properties(G_OBJECT_GET_CLASS(element.get()), &number));
    std::vector<std::string> own;
    for (guint i = 0; i < number; ++i) {
      if (specs.get()[i]->owner_type == G_OBJECT_TYPE(element.get())) {
        own.emplace_back(specs.get()[i]->name);
      }
    }
    ASSERT_GE(own.size(), 3U);
    EXPECT_EQ(own[0], "prompt") << type;
    EXPECT_EQ(own[1], "ingredients") << type;
    EXPECT_EQ(own[2], "model") << type;
  }
}

TEST(Face, TheEnvironmentNamesTheService) {
  const ScopedEnv base("GEN_API_BASE_URL", "http://127.0.0.1:1/v1");
  ElementPtr src = bare_src();
  EXPECT_EQ(get_property(src.get(), "api-base-url"), "http://127.0.0.1:1/v1");
}

}  // namespace
}  // namespace genpro::test
