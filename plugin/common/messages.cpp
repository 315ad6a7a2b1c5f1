// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/messages.h"

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

const char* word_of(Charged charged) {
  switch (charged) {
    case Charged::no:
      return "no";
    case Charged::yes:
      return "yes";
    case Charged::unknown:
      break;
  }
  return "unknown";
}

std::string joined(const std::vector<std::string>& ids) {
  std::string text;
  for (const std::string& id : ids) text += (text.empty() ? "" : ",") + id;
  return text;
}

void post_fields(GstElement* element, GstStructure* fields) {
  gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), fields));
}

using ListenerPtr = std::shared_ptr<ReportListener>;

GQuark listener_quark() {
  static const GQuark quark = g_quark_from_static_string("genpro-report-listener");
  return quark;
}

// Whether a listener has taken it.
template <typename Content>
bool tell_listener(GstElement* element, const Content& content) {
  auto* listener =
      static_cast<ListenerPtr*>(g_object_get_qdata(G_OBJECT(element), listener_quark()));
  if (listener == nullptr) return false;
  (*listener)->on_report(Report{content});
  return true;
}

}  // namespace

void set_report_listener(GstElement* element, ListenerPtr listener) {
  g_object_set_qdata_full(
      G_OBJECT(element), listener_quark(),
      std::make_unique<ListenerPtr>(std::move(listener)).release(), [](gpointer owned) {
        const std::unique_ptr<ListenerPtr> gone(static_cast<ListenerPtr*>(owned));
      });
}

void post_generation(GstElement* element, const GenerationReport& report) {
  if (tell_listener(element, report)) return;
  const double elapsed = static_cast<double>(report.elapsed.count()) / 1000.0;
  GstStructure* fields = gst_structure_new(
      "genpro-generation", "generation-id", G_TYPE_STRING, report.generation_id.c_str(), "status",
      G_TYPE_STRING, status_nick(report.status), "elapsed", G_TYPE_DOUBLE, elapsed, "model",
      G_TYPE_STRING, report.model.c_str(), "cost", G_TYPE_DOUBLE, report.cost, nullptr);
  post_fields(element, fields);
}

void post_doubt(GstElement* element, const DoubtReport& report) {
  if (tell_listener(element, report)) return;
  post_fields(element, gst_structure_new("genpro-doubt", "ledger-row", G_TYPE_INT64,
                                         gint64{report.ledger_row}, "generation-id", G_TYPE_STRING,
                                         report.generation_id.c_str(), "generation-ids",
                                         G_TYPE_STRING, joined(report.candidates).c_str(), "reason",
                                         G_TYPE_STRING, report.reason.c_str(), nullptr));
}

void post_doubt_settled(GstElement* element, const DoubtReport& report) {
  if (tell_listener(element, report)) return;
  post_fields(element, gst_structure_new("genpro-doubt-settled", "ledger-row", G_TYPE_INT64,
                                         gint64{report.ledger_row}, "generation-id", G_TYPE_STRING,
                                         report.generation_id.c_str(), "evidence", G_TYPE_STRING,
                                         report.evidence.c_str(), "reason", G_TYPE_STRING,
                                         report.reason.c_str(), nullptr));
}

void post_progress(GstElement* element, GstProgressType type, const std::string& text) {
  if (tell_listener(element, ProgressReport{type, text})) return;
  gst_element_post_message(
      element, gst_message_new_progress(GST_OBJECT(element), type, "generate", text.c_str()));
}

static void post_failure(GstElement* element, GstMessageType type, const Error& error) {
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
    gst_structure_set(details.get(), "charged", G_TYPE_STRING, word_of(*error.charged), nullptr);
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

void post_error(GstElement* element, const Error& error) {
  if (tell_listener(element, error)) return;
  post_failure(element, GST_MESSAGE_ERROR, error);
}

void post_error_as_warning(GstElement* element, const Error& error) {
  post_failure(element, GST_MESSAGE_WARNING, error);
}

void post_warning(GstElement* element, GstResourceError code, const std::string& text) {
  if (tell_listener(element, WarningReport{code, text})) return;
  gst_element_message_full(element, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR, code,
                           copy_or_null(text), nullptr, __FILE__, GST_FUNCTION, __LINE__);
}

}  // namespace genpro
