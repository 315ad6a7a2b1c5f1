// SPDX-License-Identifier: LGPL-2.1-or-later
#include "element/element_fixture.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "support/fast_clock.h"

namespace genpro::test {
namespace {

std::string lower(const std::string& text) {
  return take_string(g_ascii_strdown(text.c_str(), static_cast<gssize>(text.size())));
}

// The text GStreamer itself has for the code: an element that says no more than that says nothing.
bool is_stock_text(const BusError& error) {
  return error.text == take_string(gst_error_get_message(error.domain, error.code));
}

}  // namespace

Settings seed_settings(const std::string& api_base) {
  return {{"api-base-url", api_base}, {"api-key", test_key},    {"sheet-id", "101"},
          {"cell-id", "3300"},        {"agent-id", "42"},       {"prompt", seed_prompt},
          {"model", "pika"},          {"asset-ids", "501,502"}, {"aspect-ratio", "16:9"},
          {"duration", "5"},          {"poll-interval", "20"},  {"retries", "1"}};
}

void set_property(GstElement* element, const std::string& name, const std::string& value) {
  GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), name.c_str());
  if (spec == nullptr) throw std::runtime_error("genprosrc has no property " + name);
  if (spec->value_type == G_TYPE_STRING)
    g_object_set(element, name.c_str(), value.c_str(), nullptr);
  else
    gst_util_set_object_arg(G_OBJECT(element), name.c_str(), value.c_str());
}

std::string get_property(GstElement* element, const std::string& name) {
  GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), name.c_str());
  if (spec == nullptr) throw std::runtime_error("genprosrc has no property " + name);
  GValue value = G_VALUE_INIT;
  g_value_init(&value, spec->value_type);
  g_object_get_property(G_OBJECT(element), name.c_str(), &value);
  std::string result;
  if (G_IS_PARAM_SPEC_ENUM(spec)) {
    const GEnumValue* item =
        g_enum_get_value(G_PARAM_SPEC_ENUM(spec)->enum_class, g_value_get_enum(&value));
    result = item != nullptr ? item->value_nick : "?";
  } else if (G_VALUE_HOLDS_STRING(&value)) {
    const char* text = g_value_get_string(&value);
    result = text != nullptr ? text : "";
  } else {
    result = take_string(gst_value_serialize(&value));
  }
  g_value_unset(&value);
  return result;
}

std::vector<std::pair<std::string, std::string>> tool_environment() {
  if (genpro_test_clock_factor() <= 1) throw std::logic_error("the boot clock is not fast");
#ifdef SANITIZER_RUNTIME
  // What the tools and the system's plugins leave behind is theirs.
  return {{"LD_PRELOAD", SANITIZER_RUNTIME PRELOAD}, {"ASAN_OPTIONS", "detect_leaks=0"}};
#else
  return {{"LD_PRELOAD", PRELOAD}};
#endif
}

ElementPtr bare_src() {
  ElementPtr src = sink_ref(gst_element_factory_make("genprosrc", nullptr));
  if (!src) throw std::runtime_error("no element genprosrc: is GST_PLUGIN_PATH set?");
  return src;
}

ElementPtr src_with(const Settings& settings) {
  ElementPtr src = bare_src();
  for (const auto& [name, value] : settings) set_property(src.get(), name, value);
  return src;
}

ElementPtr seed_src(const FakeService& service, const Settings& changes) {
  Settings settings = seed_settings(service.api_base());
  settings.insert(settings.end(), changes.begin(), changes.end());
  return src_with(settings);
}

const std::string& small_clip() {
  static const std::string clip = make_mp4({.frames = 24, .moov_at_end = true});
  return clip;
}

std::string large_clip(std::size_t size, std::uint32_t seed) {
  return padded_mp4(small_clip(), size, seed);
}

void expect_one_error(const Outcome& outcome, const Expected& expected) {
  SCOPED_TRACE(outcome.summary());
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_FALSE(outcome.eos);
  EXPECT_EQ(outcome.errors.size(), 1U) << "told more than once";
  ASSERT_FALSE(outcome.errors.empty());
  const BusError& error = outcome.errors[0];
  EXPECT_TRUE(error.source.starts_with("genprosrc")) << error.source;
  if (!expected.codes.empty()) {
    EXPECT_TRUE(std::any_of(expected.codes.begin(), expected.codes.end(),
                            [&](const Code& code) { return error.is(code.domain, code.code); }))
        << "unexpected code " << error.name();
  }
  EXPECT_FALSE(is_stock_text(error)) << error.text;
  EXPECT_GE(error.text.size(), 25U) << "says too little: " << error.text;
  EXPECT_EQ(error.text.find("Internal data"), std::string::npos);
  EXPECT_FALSE(error.debug.empty());
  const std::string said = lower(error.text + "\n" + error.debug);
  for (const std::string& word : expected.mentions)
    EXPECT_NE(said.find(lower(word)), std::string::npos) << "does not mention " << word;
  if (!expected.http_status.empty()) {
    EXPECT_EQ(error.detail("http-status-code"), expected.http_status);
  }
  if (!expected.error_code.empty()) {
    EXPECT_EQ(error.detail("error-code"), expected.error_code);
  }
  if (!expected.generation_id.empty()) {
    EXPECT_EQ(error.detail("generation-id"), expected.generation_id);
  }
  if (!expected.charged.empty()) {
    EXPECT_EQ(error.detail("charged"), expected.charged);
  }
  if (!expected.retryable.empty()) {
    EXPECT_EQ(error.detail("retryable"), expected.retryable);
  }
  const auto& order = outcome.order;
  const auto at = [&](const char* word) {
    return std::find(order.begin(), order.end(), word) - order.begin();
  };
  if (outcome.reached("streaming") && at("progress-complete") < at("error")) {
    // The clip was there and its first bytes went out: the generation itself has succeeded.
    expect_progress(outcome, "progress-complete");
  } else if (!outcome.progress.empty()) {
    expect_progress(outcome, "progress-error");
    EXPECT_LT(at("error"), at("progress-error"))
        << "the error comes before the end of the progress";
  }
  EXPECT_EQ(outcome.everything.find(test_key), std::string::npos) << "the key is on the bus";
}

void expect_nothing_posted(const FakeService& service) {
  // A question about the price is free of charge.
  const auto is_posted = [](const Seen& seen) {
    return seen.method != "GET" && !seen.path.ends_with("/user_jobs/estimate");
  };
  EXPECT_EQ(service.count(is_posted), 0U);
}

void expect_progress(const Outcome& outcome, const std::string& end) {
  SCOPED_TRACE(outcome.summary());
  std::vector<std::string> words;
  for (const std::string& word : outcome.order)
    if (word.starts_with("progress-")) words.push_back(word);
  ASSERT_GE(words.size(), 2U);
  EXPECT_EQ(words.front(), "progress-start");
  EXPECT_EQ(words.back(), end);
  for (std::size_t i = 1; i + 1 < words.size(); ++i) EXPECT_EQ(words[i], "progress-continue");
  for (const Progress& progress : outcome.progress) {
    EXPECT_EQ(progress.code, "generate");
    EXPECT_FALSE(progress.text.empty());
  }
}

void expect_cdn_saw_no_key(const FakeService& service) {
  for (const Seen& seen : service.requests(is_cdn)) {
    EXPECT_EQ(seen.header("x-api-key"), "");
    EXPECT_EQ(seen.dump().find(test_key), std::string::npos) << seen.dump();
  }
}

void expect_one_outage(const Outcome& outcome) {
  SCOPED_TRACE(outcome.summary());
  std::size_t told = 0;
  for (const Progress& progress : outcome.progress) {
    if (!progress.text.starts_with("Waiting for the service, which has generation 9040")) continue;
    EXPECT_EQ(progress.type, GST_PROGRESS_TYPE_CONTINUE);
    ++told;
  }
  EXPECT_EQ(told, 1U);
}

void expect_one_idempotency_key(const FakeService& service) {
  std::set<std::string> keys;
  for (const Seen& post : service.requests(is_generate))
    keys.insert(post.header("idempotency-key"));
  EXPECT_EQ(keys.size(), 1U) << "a repeated request is the same request";
  EXPECT_EQ(keys.count(""), 0U);
}

std::chrono::milliseconds by_boot_clock(std::chrono::seconds time) {
  constexpr std::chrono::milliseconds margin{50};
  return std::chrono::milliseconds(time) / genpro_test_clock_factor() - margin;
}

Collector::Collector(ElementPtr src)
    : src_(std::move(src)), pipeline_(sink_ref(gst_pipeline_new(nullptr))) {
  GstElement* sink = gst_element_factory_make("fakesink", "sink");
  g_object_set(sink, "sync", FALSE, nullptr);
  gst_bin_add_many(GST_BIN(pipeline_.get()), src_.get(), sink, nullptr);
  if (!gst_element_link(src_.get(), sink)) throw std::runtime_error("cannot link the source");
  sink_ = ElementPtr::ref(sink);
  PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(sink, "sink"));
  gst_pad_add_probe(
      pad.get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
                                   GST_PAD_PROBE_TYPE_EVENT_FLUSH),
      on_data, this, nullptr);
  listener_ = std::make_unique<BusListener>(pipeline_.get());
}

Collector::~Collector() {
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  // A thread of GStreamer's that changes states may hold the pipeline, and by that the source, for
  // a while longer.
  gst_bin_remove(GST_BIN(pipeline_.get()), src_.get());
}

GstPadProbeReturn Collector::on_data(GstPad*, GstPadProbeInfo* info, gpointer user_data) {
  auto* self = static_cast<Collector*>(user_data);
  std::lock_guard lock(self->mutex_);
  if ((GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    GstMapInfo map;
    if (gst_buffer_map(GST_PAD_PROBE_INFO_BUFFER(info), &map, GST_MAP_READ)) {
      self->bytes_.append(reinterpret_cast<const char*>(map.data), map.size);
      gst_buffer_unmap(GST_PAD_PROBE_INFO_BUFFER(info), &map);
    }
    return GST_PAD_PROBE_OK;
  }
  GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
    self->bytes_.clear();
    self->segment_start_ = -1;
  } else if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT) {
    const GstSegment* segment = nullptr;
    gst_event_parse_segment(event, &segment);
    self->segment_start_ = static_cast<std::int64_t>(segment->start);
  }
  return GST_PAD_PROBE_OK;
}

bool Collector::preroll() {
  if (gst_element_set_state(pipeline_.get(), GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE)
    return false;
  return settle();
}

bool Collector::seek(std::int64_t start, std::int64_t stop) {
  return gst_element_seek(sink_.get(), 1.0, GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH,
                          GST_SEEK_TYPE_SET, start,
                          stop < 0 ? GST_SEEK_TYPE_NONE : GST_SEEK_TYPE_SET, stop) != FALSE;
}

bool Collector::settle(std::chrono::milliseconds deadline) {
  const auto wait = std::chrono::duration_cast<std::chrono::nanoseconds>(deadline).count();
  return gst_element_get_state(pipeline_.get(), nullptr, nullptr,
                               static_cast<GstClockTime>(wait)) == GST_STATE_CHANGE_SUCCESS;
}

Outcome Collector::play_out(std::chrono::milliseconds deadline) {
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  const bool ended = listener_->wait_for_end(deadline);
  if (ended) gst_element_set_state(pipeline_.get(), GST_STATE_READY);
  Outcome outcome = listener_->outcome();
  outcome.timed_out = !ended;
  return outcome;
}

std::string Collector::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

void Trial::start(const Settings& changes) {
  collector_ = std::make_unique<Collector>(seed_src(service, changes));
  gst_element_set_state(collector_->pipeline(), GST_STATE_PLAYING);
}

std::int64_t Collector::segment_start() const {
  std::lock_guard lock(mutex_);
  return segment_start_;
}

}  // namespace genpro::test
