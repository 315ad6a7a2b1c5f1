// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/messages.h"

#include "base/text.h"
#include "common/enums.h"
#include "gst/gst_ptr.h"

namespace genpro {

namespace {

struct Code {
  GQuark domain;
  int code;
};

Code code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::settings:
    case ErrorKind::limit:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS};
    case ErrorKind::not_authorized:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED};
    case ErrorKind::not_found:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND};
    case ErrorKind::open_read:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ};
    case ErrorKind::read:
    case ErrorKind::too_large:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ};
    case ErrorKind::wrong_type:
      return {GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE};
    case ErrorKind::ledger:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ_WRITE};
    case ErrorKind::ledger_busy:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY};
    case ErrorKind::ledger_full:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT};
    case ErrorKind::failed:
      break;
  }
  return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_FAILED};
}

char* copy_or_null(const std::string& text) {
  return text.empty() ? nullptr : g_strdup(text.c_str());
}

void set_time(GstStructure* fields, const char* name, std::optional<std::int64_t> time) {
  if (time) gst_structure_set(fields, name, GST_TYPE_CLOCK_TIME, *time, nullptr);
}

void post_fields(GstElement* element, GstStructure* fields) {
  gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), fields));
}

void post_failure(GstElement* element, GstMessageType type, const Error& error) {
  const auto [domain, code] = code_of(error.kind);
  StructurePtr details(gst_structure_new_empty("details"));
  if (error.http_status != 0) {
    gst_structure_set(details.get(), "http-status-code", G_TYPE_UINT, error.http_status, nullptr);
  }
  if (!error.error_code.empty()) {
    gst_structure_set(details.get(), "error-code", G_TYPE_STRING, error.error_code.c_str(),
                      nullptr);
  }
  if (!error.generation_id.empty()) {
    gst_structure_set(details.get(), "generation-id", G_TYPE_STRING, error.generation_id.c_str(),
                      nullptr);
  }
  if (error.charged) {
    gst_structure_set(details.get(), "charged", G_TYPE_STRING, to_word(*error.charged), nullptr);
  }
  if (error.retryable) {
    gst_structure_set(details.get(), "retryable", G_TYPE_BOOLEAN, gboolean{*error.retryable},
                      nullptr);
  }
  if (error.ledger_row != 0) {
    gst_structure_set(details.get(), "ledger-row", G_TYPE_INT64, gint64{error.ledger_row}, nullptr);
  }
  for (const auto& [name, value] : error.details) {
    gst_structure_set(details.get(), name.c_str(), G_TYPE_STRING, value.c_str(), nullptr);
  }
  gst_element_message_full_with_details(element, type, domain, code, copy_or_null(error.message),
                                        copy_or_null(error.debug), __FILE__, GST_FUNCTION, __LINE__,
                                        details.release());
}

void post_one(GstElement* element, GstDebugCategory*, const PropertyChange& change) {
  g_object_notify(G_OBJECT(element), change.name);
}

void post_one(GstElement* element, GstDebugCategory* category, const GenerationReport& report) {
  const double elapsed = static_cast<double>(report.elapsed.count()) / 1000.0;
  GST_CAT_INFO_OBJECT(category, element, "is %s after %.1f s, generation %s, cost %s",
                      status_nick(report.status), elapsed,
                      report.generation_id.empty() ? "not known" : report.generation_id.c_str(),
                      report.cost < 0 ? "not known" : number_text(report.cost).c_str());
  post_fields(element, gst_structure_new("genpro-generation", "generation-id", G_TYPE_STRING,
                                         report.generation_id.c_str(), "status", G_TYPE_STRING,
                                         status_nick(report.status), "elapsed", G_TYPE_DOUBLE,
                                         elapsed, "model", G_TYPE_STRING, report.model.c_str(),
                                         "cost", G_TYPE_DOUBLE, report.cost, nullptr));
}

void post_one(GstElement* element, GstDebugCategory*, const ProgressReport& report) {
  MessagePtr message(
      gst_message_new_progress(GST_OBJECT(element), report.type, "generate", report.text.c_str()));
  const polling::Progress& progress = report.progress;
  gst_structure_set(gst_message_writable_structure(message.get()), "elapsed", G_TYPE_DOUBLE,
                    progress.elapsed, "percent", G_TYPE_INT, progress.percent, "expected",
                    G_TYPE_DOUBLE, progress.expected, "expected-90", G_TYPE_DOUBLE,
                    progress.expected_90, "cost", G_TYPE_DOUBLE, report.cost, nullptr);
  gst_element_post_message(element, message.release());
}

void post_one(GstElement* element, GstDebugCategory*, const DoubtReport& report) {
  const bool is_settled = report.is_settled;
  const std::string own = is_settled ? report.evidence : join(report.candidates, ",");
  post_fields(element, gst_structure_new(
                           is_settled ? "genpro-doubt-settled" : "genpro-doubt", "ledger-row",
                           G_TYPE_INT64, gint64{report.ledger_row}, "generation-id", G_TYPE_STRING,
                           report.generation_id.c_str(), is_settled ? "evidence" : "generation-ids",
                           G_TYPE_STRING, own.c_str(), "reason", G_TYPE_STRING,
                           report.reason.c_str(), nullptr));
}

void post_one(GstElement* element, GstDebugCategory*, const ClipReport& report) {
  GstStructure* const fields =
      gst_structure_new("genpro-clip", "event", G_TYPE_STRING, report.event, "generation-id",
                        G_TYPE_STRING, report.generation_id.c_str(), nullptr);
  set_time(fields, "running-time", report.running_time);
  set_time(fields, "length", report.length);
  set_time(fields, "position", report.position);
  set_time(fields, "late", report.late);
  if (report.item > 0) gst_structure_set(fields, "item", G_TYPE_UINT, report.item, nullptr);
  if (report.reason != nullptr) {
    gst_structure_set(fields, "reason", G_TYPE_STRING, report.reason, nullptr);
  }
  for (const auto& [name, level] : report.levels) {
    gst_structure_set(fields, name, G_TYPE_DOUBLE, level, nullptr);
  }
  post_fields(element, fields);
}

void post_one(GstElement* element, GstDebugCategory*, const DeadlineReport& report) {
  GstStructure* const fields =
      gst_structure_new("genpro-deadline", "event", G_TYPE_STRING, report.event, "generation-id",
                        G_TYPE_STRING, report.generation_id.c_str(), nullptr);
  set_time(fields, "running-time", report.running_time);
  set_time(fields, "expected", report.expected);
  if (report.has_fallback) {
    gst_structure_set(fields, "fallback", G_TYPE_BOOLEAN, gboolean{*report.has_fallback}, nullptr);
  }
  post_fields(element, fields);
}

void post_one(GstElement* element, GstDebugCategory* category, const WarningReport& report) {
  GST_CAT_WARNING_OBJECT(category, element, "%s", report.text.c_str());
  gst_element_message_full(element, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR, report.code,
                           copy_or_null(report.text), nullptr, __FILE__, GST_FUNCTION, __LINE__);
}

void post_one(GstElement* element, GstDebugCategory* category, const Error& error) {
  GST_CAT_ERROR_OBJECT(category, element, "%s (%s)", error.message.c_str(), error.debug.c_str());
  post_failure(element, GST_MESSAGE_ERROR, error);
}

}  // namespace

void post(GstElement* element, GstDebugCategory* category, const Report& report) {
  std::visit([&](const auto& content) { post_one(element, category, content); }, report);
}

void post_as_warning(GstElement* element, GstDebugCategory* category, const Error& error) {
  GST_CAT_WARNING_OBJECT(category, element, "%s (%s)", error.message.c_str(), error.debug.c_str());
  post_failure(element, GST_MESSAGE_WARNING, error);
}

}  // namespace genpro
