// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/clip_diagnosis.h"

#include <gst/pbutils/pbutils.h>

#include <algorithm>
#include <string_view>

namespace genpro::bin {

void ClipDiagnosis::note_missing(GstMessage* message) {
  const GstCaps* caps = nullptr;
  const GstStructure* fields = gst_message_get_structure(message);
  if (const GValue* detail = gst_structure_get_value(fields, "detail");
      detail != nullptr && GST_VALUE_HOLDS_CAPS(detail)) {
    caps = gst_value_get_caps(detail);
  }
  if (caps == nullptr || gst_caps_is_empty(caps)) return;
  const GstStructure* format = gst_caps_get_structure(caps, 0);
  const char* original = gst_structure_get_string(format, "original-media-type");
  // What is encrypted has the type of its contents in a field.
  if (original != nullptr) {
    missing_.push_back(
        {true, original, "the clip is encrypted. Have the service deliver it without protection"});
  } else {
    missing_.push_back({false, gst_structure_get_name(format),
                        "GStreamer has no " +
                            take_string(gst_missing_plugin_message_get_description(message)) +
                            ". Install a plugin that has one: Debian's packages "
                            "gstreamer1.0-libav and gstreamer1.0-plugins-bad have most"});
  }
}

const ClipDiagnosis::Missing* ClipDiagnosis::missing(const char* kind) const {
  const auto found = std::find_if(missing_.begin(), missing_.end(), [kind](const Missing& one) {
    return one.media.starts_with(kind);
  });
  return found == missing_.end() ? nullptr : &*found;
}

ErrorPtr ClipDiagnosis::explain(GstMessage* message, std::uint64_t position) const {
  GError* raw = nullptr;
  gst_message_parse_error(message, &raw, nullptr);
  ErrorPtr error(raw);
  const bool is_of_stream = error.get()->domain == GST_STREAM_ERROR;
  const Missing* video = missing("video/");
  if (video != nullptr && (is_of_stream || error.get()->domain == GST_CORE_ERROR)) {
    const int code =
        video->is_encrypted ? GST_STREAM_ERROR_DECRYPT : GST_STREAM_ERROR_CODEC_NOT_FOUND;
    return ErrorPtr(
        g_error_new(GST_STREAM_ERROR, code, "The clip cannot be shown: %s.", video->text.c_str()));
  }
  // The decoder's pipeline itself tells what it means.
  if (!is_of_stream || position == 0 || GST_IS_PIPELINE(GST_MESSAGE_SRC(message))) return error;
  // Some of the elements' sentences have no full stop.
  const std::string reason = error.message();
  return ErrorPtr(
      g_error_new(GST_STREAM_ERROR, error.get()->code,
                  "The clip is damaged or of no known format, at or before byte %" G_GUINT64_FORMAT
                  ": %s%s Look at the generation at the service.",
                  position, reason.c_str(), reason.ends_with('.') ? "" : "."));
}

std::string ClipDiagnosis::why_silent() const {
  const Missing* audio = missing("audio/");
  return audio == nullptr ? "" : "The clip is shown in silence: " + audio->text + ".";
}

std::string ClipDiagnosis::why_silent(GstMessage* error) {
  if (!GST_IS_ELEMENT(GST_MESSAGE_SRC(error))) return "";
  const char* klass =
      gst_element_get_metadata(GST_ELEMENT(GST_MESSAGE_SRC(error)), GST_ELEMENT_METADATA_KLASS);
  if (klass == nullptr || std::string_view(klass).find("Decoder/Audio") == std::string_view::npos) {
    return "";
  }
  ErrorPtr reason;
  gst_message_parse_error(error, reason.out(), nullptr);
  return "The clip is shown in silence, since its audio is damaged (" + reason.message() +
         "). Look at the generation at the service.";
}

}  // namespace genpro::bin
