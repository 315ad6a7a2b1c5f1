// SPDX-License-Identifier: LGPL-2.1-or-later
//
// GstPreset of both elements, as a visual editor uses it. Those that come with the plugin are
// compared with the README by the test `docs`.
#include <algorithm>

#include "base/text.h"
#include "element/element_fixture.h"

namespace genpro::test {
namespace {

class Presets : public testing::TestWithParam<const char*> {
 protected:
  Presets() : element_(sink_ref(gst_element_factory_make(GetParam(), nullptr))) {}
  ~Presets() override { gst_preset_delete_preset(preset(), name); }

  GstPreset* preset() const { return GST_PRESET(element_.get()); }
  std::string stored() const {
    return read_file(std::string(g_get_user_data_dir()) + "/gstreamer-1.0/presets/" +
                     G_OBJECT_TYPE_NAME(element_.get()) + ".prs");
  }

  static constexpr const char* name = "of a test";
  ElementPtr element_;
};

TEST_P(Presets, KeepHowAClipIsMadeAndNotWhoAsksForWhat) {
  const std::vector<std::string> kept = {"duration", "retries", "aspect-ratio", "model",
                                         "resolution"};
  const std::vector<std::string> others = {"framerate", "preroll", "placeholder-location",
                                           "fallback-location"};
  set_property(element_.get(), "duration", "7");
  set_property(element_.get(), "retries", "3");
  set_property(element_.get(), "aspect-ratio", "9:16");
  set_property(element_.get(), "model", "veo-3.1");
  set_property(element_.get(), "resolution", "720p");
  guint number = 0;
  const Owned<GParamSpec*, g_free> specs(
      g_object_class_list_properties(G_OBJECT_GET_CLASS(element_.get()), &number));
  constexpr const char* text = "S3cret";
  for (guint i = 0; i < number; ++i) {
    const std::string property = specs.get()[i]->name;
    const bool is_text = specs.get()[i]->value_type == G_TYPE_STRING;
    if (is_text && (specs.get()[i]->flags & G_PARAM_WRITABLE) != 0 &&
        std::ranges::find(others, property) == others.end() &&
        std::ranges::find(kept, property) == kept.end()) {
      set_property(element_.get(), property, text);
    }
  }
  ASSERT_TRUE(gst_preset_save_preset(preset(), name));
  const std::string file = stored();
  const std::string own = file.substr(file.find(name));
  EXPECT_NE(own.find("duration=7"), std::string::npos) << own;
  EXPECT_EQ(own.find(text), std::string::npos) << own;

  const ElementPtr other = sink_ref(gst_element_factory_make(GetParam(), nullptr));
  set_property(other.get(), "prompt", "Kept");
  ASSERT_TRUE(gst_preset_load_preset(GST_PRESET(other.get()), name));
  for (const std::string& property : kept) {
    EXPECT_EQ(get_property(other.get(), property), get_property(element_.get(), property));
  }
  EXPECT_EQ(get_property(other.get(), "prompt"), "Kept");
}

// Else it would take the place of a profile's line when it is loaded, as of a limit of the cost.
TEST_P(Presets, HoldOfAGenerationOnlyWhatWasSet) {
  const auto own = [this] {
    const std::string file = stored();
    return file.substr(file.find(name));
  };
  set_property(element_.get(), "daily-cost-limit", "100");
  set_property(element_.get(), "reuse", "in-flight");
  ASSERT_TRUE(gst_preset_save_preset(preset(), name));
  gst_preset_set_meta(preset(), name, "comment", "Of mine");
  EXPECT_NE(own().find("daily-cost-limit=100"), std::string::npos) << own();
  EXPECT_NE(own().find("reuse=in-flight"), std::string::npos) << own();
  EXPECT_EQ(own().find("max-cost"), std::string::npos) << own();
  EXPECT_EQ(own().find("on-shutdown"), std::string::npos) << own();

  // Another one by the same name takes its place.
  const ElementPtr other = sink_ref(gst_element_factory_make(GetParam(), nullptr));
  set_property(other.get(), "duration", "7");
  ASSERT_TRUE(gst_preset_save_preset(GST_PRESET(other.get()), name));
  EXPECT_NE(own().find("duration=7"), std::string::npos) << own();
  EXPECT_EQ(own().find("daily-cost-limit"), std::string::npos) << own();
  char* comment = nullptr;
  gst_preset_get_meta(preset(), name, "comment", &comment);
  EXPECT_EQ(take_string(comment), "Of mine");
}

TEST(SourcePresets, KeepTheOneThatIsThereWhenNothingIsToBeSaved) {
  const ElementPtr one = sink_ref(gst_element_factory_make("genprosrc", nullptr));
  const ElementPtr other = sink_ref(gst_element_factory_make("genprosrc", nullptr));
  constexpr const char* name = "of a source";
  set_property(one.get(), "duration", "7");
  ASSERT_TRUE(gst_preset_save_preset(GST_PRESET(one.get()), name));
  EXPECT_FALSE(gst_preset_save_preset(GST_PRESET(other.get()), name)) << "nothing is set";
  EXPECT_TRUE(gst_preset_load_preset(GST_PRESET(other.get()), name));
  gst_preset_delete_preset(GST_PRESET(one.get()), name);
  EXPECT_EQ(get_property(other.get(), "duration"), "7");
}

TEST(BinPresets, KeepHowAClipIsShown) {
  const ElementPtr one = sink_ref(gst_element_factory_make("genprobin", nullptr));
  const ElementPtr other = sink_ref(gst_element_factory_make("genprobin", nullptr));
  for (const auto& [property, value] :
       {std::pair("preroll", "whole"), {"fallback-location", "/srv/late.png"}, {"fade", "250"}}) {
    set_property(one.get(), property, value);
  }
  ASSERT_TRUE(gst_preset_save_preset(GST_PRESET(one.get()), "of a bin"));
  EXPECT_TRUE(gst_preset_load_preset(GST_PRESET(other.get()), "of a bin"));
  gst_preset_delete_preset(GST_PRESET(one.get()), "of a bin");
  EXPECT_EQ(get_property(other.get(), "preroll"), "whole");
  EXPECT_EQ(get_property(other.get(), "fallback-location"), "/srv/late.png");
  EXPECT_EQ(get_property(other.get(), "fade"), "250");
}

INSTANTIATE_TEST_SUITE_P(Both, Presets, testing::Values("genprosrc", "genprobin"));

}  // namespace
}  // namespace genpro::test
