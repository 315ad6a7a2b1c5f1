// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/logging.h"

#include "base/log.h"

namespace genpro {

GstDebugCategory* source_debug = nullptr;
GstDebugCategory* bin_debug = nullptr;

namespace {

GstDebugLevel level_of(log::Level level) {
  switch (level) {
    case log::Level::warning:
      return GST_LEVEL_WARNING;
    case log::Level::info:
      return GST_LEVEL_INFO;
    case log::Level::debug:
      return GST_LEVEL_DEBUG;
    case log::Level::log:
      return GST_LEVEL_LOG;
    case log::Level::trace:
      break;
  }
  return GST_LEVEL_TRACE;
}

class GstSink final : public log::Sink {
 public:
  GstSink() {
    GST_DEBUG_CATEGORY_INIT(job_, "genpro-job", 0, "what is asked for, and what is paid");
    GST_DEBUG_CATEGORY_INIT(api_, "genpro-api", 0, "requests to the GEN API");
    GST_DEBUG_CATEGORY_INIT(clip_, "genpro-clip", 0, "reading of clips");
    GST_DEBUG_CATEGORY_INIT(assets_, "genpro-assets", 0, "ingredients, and their upload");
  }

  bool wants(log::Category category, log::Level level) const noexcept override {
    // gst_deinit() frees the categories, and what is said to the service in the background may go
    // on for a while after it.
    return gst_is_initialized() && level_of(level) <= _gst_debug_min &&
           level_of(level) <= gst_debug_category_get_threshold(of(category));
  }

  void write(log::Category category, log::Level level, const log::Place& place,
             const std::string& id, const std::string& text) const noexcept override {
    gst_debug_log_id_literal(of(category), level_of(level), place.file, place.function, place.line,
                             id.empty() ? nullptr : id.c_str(), text.c_str());
  }

 private:
  GstDebugCategory* of(log::Category category) const {
    switch (category) {
      case log::Category::job:
        return job_;
      case log::Category::api:
        return api_;
      case log::Category::assets:
        return assets_;
      case log::Category::clip:
        break;
    }
    return clip_;
  }

  GstDebugCategory* job_ = nullptr;
  GstDebugCategory* api_ = nullptr;
  GstDebugCategory* clip_ = nullptr;
  GstDebugCategory* assets_ = nullptr;
};

}  // namespace

void init_logging() {
  GST_DEBUG_CATEGORY_INIT(source_debug, "genprosrc", 0, "GEN video source");
  GST_DEBUG_CATEGORY_INIT(bin_debug, "genprobin", 0, "GEN live video and audio");
  static const GstSink sink;
  log::set_sink(&sink);
}

}  // namespace genpro
