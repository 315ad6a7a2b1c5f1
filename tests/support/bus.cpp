// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/bus.h"

#include <algorithm>
#include <future>
#include <stdexcept>
#include <thread>

namespace genpro::test {
namespace {

std::string as_text(const GstStructure* structure) {
  return structure != nullptr ? take_string(gst_structure_to_string(structure)) : std::string();
}

BusError read_error(GstMessage* message) {
  BusError result;
  ErrorPtr error;
  char* debug = nullptr;
  const GstStructure* details = nullptr;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error(message, error.out(), &debug);
    gst_message_parse_error_details(message, &details);
  } else {
    gst_message_parse_warning(message, error.out(), &debug);
    gst_message_parse_warning_details(message, &details);
  }
  result.domain = error->domain;
  result.code = error->code;
  result.text = error.message();
  result.debug = take_string(debug);
  result.source = GST_OBJECT_NAME(GST_MESSAGE_SRC(message));
  result.details = as_text(details);
  if (details != nullptr) result.fields.reset(gst_structure_copy(details));
  return result;
}

const char* progress_word(GstProgressType type) {
  switch (type) {
    case GST_PROGRESS_TYPE_START:
      return "progress-start";
    case GST_PROGRESS_TYPE_CONTINUE:
      return "progress-continue";
    case GST_PROGRESS_TYPE_COMPLETE:
      return "progress-complete";
    case GST_PROGRESS_TYPE_CANCELED:
      return "progress-canceled";
    case GST_PROGRESS_TYPE_ERROR:
      return "progress-error";
  }
  return "progress-?";
}

bool is_end(GstMessage* message) {
  return GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS ||
         GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR;
}

}  // namespace

std::string BusError::detail(const char* field) const {
  if (!fields) return "";
  const GValue* value = gst_structure_get_value(fields.get(), field);
  if (value == nullptr) return "";
  GValue shown = G_VALUE_INIT;
  g_value_init(&shown, G_TYPE_STRING);
  g_value_transform(value, &shown);
  const char* content = g_value_get_string(&shown);
  std::string result = content != nullptr ? content : "";
  g_value_unset(&shown);
  return result;
}

std::string BusError::name() const {
  std::string text = g_quark_to_string(domain);
  if (domain == GST_RESOURCE_ERROR || domain == GST_STREAM_ERROR) {
    const GType type =
        domain == GST_RESOURCE_ERROR ? GST_TYPE_RESOURCE_ERROR : GST_TYPE_STREAM_ERROR;
    auto* enums = static_cast<GEnumClass*>(g_type_class_ref(type));
    const GEnumValue* value = g_enum_get_value(enums, code);
    if (value != nullptr) text = value->value_name;
    g_type_class_unref(enums);
    return text;
  }
  return text + "/" + std::to_string(code);
}

std::string Outcome::summary() const {
  std::string text = eos ? "EOS" : timed_out ? "neither EOS nor an error in time" : "no EOS";
  for (const BusError& error : errors) {
    text += "\n  error of " + error.source + " " + error.name() + ": " + error.text +
            "\n    debug: " + error.debug + "\n    details: " + error.details;
  }
  for (const BusError& warning : warnings) {
    text += "\n  warning of " + warning.source + " " + warning.name() + ": " + warning.text;
  }
  text += "\n  order:";
  for (const std::string& word : order) text += " " + word;
  return text;
}

std::vector<const GstStructure*> Outcome::named(const char* name) const {
  std::vector<const GstStructure*> result;
  for (const StructurePtr& structure : element_messages)
    if (gst_structure_has_name(structure.get(), name)) result.push_back(structure.get());
  return result;
}

bool Outcome::reached(const char* status) const {
  const auto messages = named("genpro-generation");
  return std::any_of(messages.begin(), messages.end(), [&](const GstStructure* message) {
    return g_strcmp0(gst_structure_get_string(message, "status"), status) == 0;
  });
}

BusListener::BusListener(GstElement* pipeline)
    : bus_(ObjectPtr<GstBus>::adopt(gst_element_get_bus(pipeline))) {
  gst_bus_set_sync_handler(bus_.get(), on_message, this, nullptr);
}

BusListener::~BusListener() {
  gst_bus_set_sync_handler(bus_.get(), nullptr, nullptr, nullptr);
}

GstBusSyncReply BusListener::on_message(GstBus*, GstMessage* message, gpointer user_data) {
  auto* self = static_cast<BusListener*>(user_data);
  std::lock_guard lock(self->mutex_);
  self->messages_.emplace_back(gst_message_ref(message));
  self->changed_.notify_all();
  return GST_BUS_PASS;
}

bool BusListener::wait_for(const Match& match, std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, deadline, [&] {
    return std::any_of(messages_.begin(), messages_.end(),
                       [&](const MessagePtr& message) { return match(message.get()); });
  });
}

bool BusListener::wait_for_end(std::chrono::milliseconds deadline) {
  return wait_for(is_end, deadline);
}

Outcome BusListener::outcome() {
  std::lock_guard lock(mutex_);
  Outcome result;
  for (const MessagePtr& owned : messages_) {
    GstMessage* message = owned.get();
    const GstStructure* structure = gst_message_get_structure(message);
    result.everything +=
        std::string(GST_MESSAGE_TYPE_NAME(message)) + " " + as_text(structure) + "\n";
    switch (GST_MESSAGE_TYPE(message)) {
      case GST_MESSAGE_EOS:
        // A base source ends its stream after an error too; that is no end of the clip.
        result.eos = result.errors.empty();
        result.order.emplace_back("eos");
        break;
      case GST_MESSAGE_ERROR:
      case GST_MESSAGE_WARNING: {
        BusError error = read_error(message);
        result.everything += error.text + "\n" + error.debug + "\n" + error.details + "\n";
        const bool fatal = GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR;
        result.order.emplace_back(fatal ? "error" : "warning");
        (fatal ? result.errors : result.warnings).push_back(std::move(error));
        break;
      }
      case GST_MESSAGE_PROGRESS: {
        Progress progress;
        char* code = nullptr;
        char* text = nullptr;
        gst_message_parse_progress(message, &progress.type, &code, &text);
        progress.code = take_string(code);
        progress.text = take_string(text);
        progress.fields.reset(gst_structure_copy(structure));
        result.order.emplace_back(progress_word(progress.type));
        result.progress.push_back(std::move(progress));
        break;
      }
      case GST_MESSAGE_ELEMENT:
        result.order.emplace_back(std::string("element ") + gst_structure_get_name(structure));
        result.element_messages.emplace_back(gst_structure_copy(structure));
        break;
      case GST_MESSAGE_TAG: {
        GstTagList* tags = nullptr;
        gst_message_parse_tag(message, &tags);
        TagListPtr fresh(tags);
        result.tags.reset(
            gst_tag_list_merge(result.tags.get(), fresh.get(), GST_TAG_MERGE_REPLACE));
        result.order.emplace_back("tag");
        break;
      }
      default:
        break;
    }
  }
  return result;
}

ElementPtr launch(const std::string& description) {
  ErrorPtr error;
  ElementPtr pipeline = sink_ref(gst_parse_launch(description.c_str(), error.out()));
  if (!pipeline || error) throw std::runtime_error(description + ": " + error.message());
  return pipeline;
}

ElementPtr child(GstElement* bin, const char* name) {
  return ElementPtr::adopt(gst_bin_get_by_name(GST_BIN(bin), name));
}

Outcome run(GstElement* pipeline, std::chrono::milliseconds deadline) {
  BusListener listener(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  const bool ended = listener.wait_for_end(deadline);
  // Through READY, where the bus still takes messages: what the element says on stopping counts.
  if (ended) gst_element_set_state(pipeline, GST_STATE_READY);
  Outcome outcome = listener.outcome();
  outcome.timed_out = !ended;
  stops_in_time(pipeline);
  return outcome;
}

Outcome run_launch(const std::string& description) {
  Running pipeline(launch(description));
  return run(pipeline.get());
}

bool changes_in_time(GstElement* element, GstState state, std::chrono::milliseconds deadline) {
  auto done = std::make_shared<std::promise<void>>();
  auto future = done->get_future();
  std::thread thread([done, state, owned = ElementPtr::ref(element)] {
    gst_element_set_state(owned.get(), state);
    done->set_value();
  });
  const bool in_time = future.wait_for(deadline) == std::future_status::ready;
  if (in_time)
    thread.join();
  else
    thread.detach();
  return in_time;
}

Streamed stream(ElementPtr element, std::chrono::milliseconds deadline) {
  Running pipeline(sink_ref(gst_pipeline_new(nullptr)));
  GstElement* sink = gst_element_factory_make("fakesink", nullptr);
  g_object_set(sink, "sync", FALSE, "signal-handoffs", TRUE, nullptr);
  gst_bin_add_many(GST_BIN(pipeline.get()), element.get(), sink, nullptr);
  Streamed result;
  if (!gst_element_link(element.get(), sink)) throw std::runtime_error("cannot link the source");
  g_signal_connect(sink, "handoff",
                   G_CALLBACK(+[](GstElement*, GstBuffer* buffer, GstPad* pad, Streamed* streamed) {
                     GstMapInfo map;
                     if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return;
                     streamed->bytes.append(reinterpret_cast<const char*>(map.data), map.size);
                     gst_buffer_unmap(buffer, &map);
                     if (!streamed->caps.empty()) return;
                     CapsPtr caps(gst_pad_get_current_caps(pad));
                     if (caps) streamed->caps = take_string(gst_caps_to_string(caps.get()));
                   }),
                   &result);
  result.outcome = run(pipeline.get(), deadline);
  // A thread of the bin's may keep the pipeline for a moment longer.
  gst_bin_remove(GST_BIN(pipeline.get()), element.get());
  return result;
}

}  // namespace genpro::test
