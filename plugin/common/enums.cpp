// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/enums.h"

#include <gst/gst.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "base/glib_ptr.h"

namespace genpro {

namespace {

int number(job::Status status) {
  return static_cast<int>(status);
}

}  // namespace

GType register_enum(const char* name, const GEnumValue* values) {
  const GType type = g_enum_register_static(name, values);
  gst_type_mark_as_plugin_api(type, static_cast<GstPluginAPIFlags>(0));
  return type;
}

GType choice_type(const Setting& setting) {
  // The names under which the types are known to those who read them from a file.
  static const std::map<std::string_view, const char*> names = {
      {"generation-type", "GstGenproGenerationType"}, {"dialect", "GstGenproDialect"},
      {"native-audio", "GstGenproNativeAudio"},       {"reuse", "GstGenproReuse"},
      {"on-shutdown", "GstGenproOnShutdown"},         {"when-in-doubt", "GstGenproWhenInDoubt"},
  };
  const char* name = names.at(setting.name);
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (const GType known = g_type_from_name(name); known != 0) return known;
  static std::deque<std::vector<GEnumValue>> kept;
  std::vector<GEnumValue>& values = kept.emplace_back();
  for (const Choice& choice : std::get<ChoiceMember>(setting.content).choices) {
    values.push_back({static_cast<int>(values.size()), choice.meaning, choice.word});
  }
  values.push_back({0, nullptr, nullptr});
  return register_enum(name, values.data());
}

int index_of(const ChoiceMember& choice, std::string_view word) {
  const auto found = std::ranges::find(choice.choices, word, &Choice::word);
  return static_cast<int>(found - choice.choices.begin());
}

GType status_type() {
  static const GEnumValue values[] = {
      {number(job::Status::idle), "Nothing requested", "idle"},
      {number(job::Status::submitting), "Sending the request", "submitting"},
      {number(job::Status::pending), "Accepted by service", "pending"},
      {number(job::Status::processing), "Being made", "processing"},
      {number(job::Status::streaming), "Reading the clip", "streaming"},
      {number(job::Status::done), "Whole clip pushed", "done"},
      {number(job::Status::failed), "No clip made", "failed"},
      {number(job::Status::stopped), "Generation stopped", "stopped"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproStatus", values);
  return type;
}

namespace {

const char* nick_of(GType type, int value) {
  const Owned<GEnumClass, g_type_class_unref> enum_class(
      static_cast<GEnumClass*>(g_type_class_ref(type)));
  const GEnumValue* entry = g_enum_get_value(enum_class.get(), value);
  return entry != nullptr ? entry->value_nick : "";
}

}  // namespace

const char* status_nick(job::Status status) {
  return nick_of(status_type(), number(status));
}

}  // namespace genpro
