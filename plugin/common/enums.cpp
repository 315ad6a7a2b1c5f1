// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/enums.h"

#include <gst/gst.h>

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

GType model_type() {
  static const GEnumValue values[] = {
      {0, "The cell's own model", "default"},
      {1, "Pika", "pika"},
      {2, "Kling 1.6", "kling_1_6"},
      {3, "Seedance Lite", "seedance_lite"},
      {4, "Veo 3.1", "veo_3_1"},
      {5, "Veo 3.1 Fast", "veo_3_1_fast"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproModel", values);
  return type;
}

GType aspect_ratio_type() {
  static const GEnumValue values[] = {
      {0, "The cell's own aspect ratio", "default"},
      {1, "Square", "1:1"},
      {2, "Portrait", "9:16"},
      {3, "Landscape", "16:9"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproAspectRatio", values);
  return type;
}

GType reuse_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(job::Reuse::never), "Always ask for a new generation", "never"},
      {static_cast<int>(job::Reuse::in_flight),
       "One that is unfinished, or finished and never delivered whole", "in-flight"},
      {static_cast<int>(job::Reuse::completed), "Also one that was delivered before", "completed"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproReuse", values);
  return type;
}

GType on_shutdown_type() {
  static const GEnumValue values[] = {
      {on_shutdown_stop, "Ask the service to stop it, for a refund", "stop"},
      {on_shutdown_detach, "Leave it running, for the next run to pick up", "detach"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproOnShutdown", values);
  return type;
}

GType when_in_doubt_type() {
  static const GEnumValue values[] = {
      {when_in_doubt_likely, "Follow what is likely the request's own, with a warning", "likely"},
      {when_in_doubt_ask, "End in an error that says what to look at", "ask"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproWhenInDoubt", values);
  return type;
}

GType status_type() {
  static const GEnumValue values[] = {
      {number(job::Status::idle), "Nothing has been asked for", "idle"},
      {number(job::Status::submitting), "The request is on its way", "submitting"},
      {number(job::Status::pending), "The service has the request", "pending"},
      {number(job::Status::processing), "The service makes the clip", "processing"},
      {number(job::Status::streaming), "The clip is being read", "streaming"},
      {number(job::Status::done), "The whole clip has been pushed", "done"},
      {number(job::Status::failed), "There is no clip", "failed"},
      {number(job::Status::stopped), "The generation was stopped", "stopped"},
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

std::string service_word(GType type, int value) {
  return value == 0 ? "" : nick_of(type, value);
}

const char* status_nick(job::Status status) {
  return nick_of(status_type(), number(status));
}

}  // namespace genpro
