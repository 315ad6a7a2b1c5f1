// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/media/slate_renderer.h"

#include <pango/pangocairo.h>
#include <pthread.h>

#include <algorithm>

#include "base/callback.h"
#include "base/no_destructor.h"

namespace genpro::bin {

namespace {

using CairoPtr = Owned<cairo_t, cairo_destroy>;
using SurfacePtr = Owned<cairo_surface_t, cairo_surface_destroy>;
using LayoutPtr = ObjectPtr<PangoLayout>;
using FontPtr = Owned<PangoFontDescription, pango_font_description_free>;

Guarded<std::weak_ptr<SlateRenderer>>& current_renderer() {
  static NoDestructor<Guarded<std::weak_ptr<SlateRenderer>>> renderer;
  return *renderer;
}

// What is missing may take more than one.
constexpr int most_lines = 3;

struct Line {
  const std::string& text;
  double height;  // of a letter, as part of the frame's shorter side
  bool is_bold;
  double brightness;
};

// In the middle, at `y`; returns the height that it takes.
double draw(cairo_t* cairo, const Line& line, int width, double side, double y) {
  if (line.text.empty()) return 0;
  const LayoutPtr layout = LayoutPtr::adopt(pango_cairo_create_layout(cairo));
  const FontPtr font(pango_font_description_new());
  pango_font_description_set_family(font.get(), "sans-serif");
  pango_font_description_set_weight(font.get(),
                                    line.is_bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
  pango_font_description_set_absolute_size(font.get(), line.height * side * PANGO_SCALE);
  pango_layout_set_font_description(layout.get(), font.get());
  pango_layout_set_text(layout.get(), line.text.c_str(), -1);
  pango_layout_set_width(layout.get(), static_cast<int>(width * 0.9 * PANGO_SCALE));
  pango_layout_set_alignment(layout.get(), PANGO_ALIGN_CENTER);
  pango_layout_set_ellipsize(layout.get(), PANGO_ELLIPSIZE_END);
  pango_layout_set_height(layout.get(), -most_lines);
  int text_height = 0;
  pango_layout_get_pixel_size(layout.get(), nullptr, &text_height);
  cairo_set_source_rgb(cairo, line.brightness, line.brightness, line.brightness);
  cairo_move_to(cairo, width * 0.05, y);
  pango_cairo_show_layout(cairo, layout.get());
  return text_height;
}

void draw_slate(cairo_t* cairo, const SlateText& text, int width, int height) {
  constexpr auto part = [](int shift) {
    return static_cast<double>(slate_colour >> shift & 0xff) / 255;
  };
  cairo_set_source_rgb(cairo, part(16), part(8), part(0));
  cairo_paint(cairo);
  const double side = std::min(width, height);
  double y = height / 2.0 - side * 0.2;
  y += draw(cairo, {text.headline, 0.12, true, 1}, width, side, y) + side * 0.02;
  y += draw(cairo, {text.time, 0.1, false, 0.9}, width, side, y) + side * 0.02;
  y += draw(cairo, {text.left, 0.07, false, 0.8}, width, side, y) + side * 0.02;
  draw(cairo, {text.detail, 0.055, false, 0.7}, width, side, y);
}

BufferPtr draw(FrameConverter& converter, const Raster& raster, const SlateText& text) {
  Frame frame;
  const int width = raster.info.width;
  const int height = raster.info.height;
  // Cairo's format is this one on little-endian machines, and the other one on the rest.
  const GstVideoFormat format =
      G_BYTE_ORDER == G_LITTLE_ENDIAN ? GST_VIDEO_FORMAT_BGRA : GST_VIDEO_FORMAT_ARGB;
  gst_video_info_set_format(&frame.info, format, static_cast<guint>(width),
                            static_cast<guint>(height));
  frame.info.par_n = raster.info.par_n;
  frame.info.par_d = raster.info.par_d;
  frame.buffer.reset(gst_buffer_new_allocate(nullptr, frame.info.size, nullptr));
  GstMapInfo map;
  if (!gst_buffer_map(frame.buffer.get(), &map, GST_MAP_READWRITE)) return nullptr;
  {
    const SurfacePtr surface(cairo_image_surface_create_for_data(
        map.data, CAIRO_FORMAT_ARGB32, width, height, frame.info.stride[0]));
    const CairoPtr cairo(cairo_create(surface.get()));
    draw_slate(cairo.get(), text, width, height);
    cairo_surface_flush(surface.get());
  }
  gst_buffer_unmap(frame.buffer.get(), &map);
  return converter.fit(frame, raster);
}

}  // namespace

std::shared_ptr<SlateRenderer> SlateRenderer::acquire() {
  collect();
  auto known = current_renderer().lock();
  std::shared_ptr<SlateRenderer> renderer = known->lock();
  if (!renderer) {
    renderer = std::shared_ptr<SlateRenderer>(std::make_unique<SlateRenderer>().release(),
                                              [](SlateRenderer* unused) {
                                                std::unique_ptr<SlateRenderer> owned(unused);
                                                {
                                                  auto queue = owned->queue_.lock();
                                                  queue->ends = true;
                                                  queue->requests.clear();
                                                  queue.notify();
                                                }
                                                retire(std::move(owned));
                                              });
    *known = renderer;
  }
  return renderer;
}

SlateRenderer::SlateRenderer() {
  thread_ = std::thread([this] { run(); });
}

SlateRenderer::~SlateRenderer() {
  thread_.join();
}

void SlateRenderer::render(const Raster& raster, SlateText text, Done done) {
  auto queue = queue_.lock();
  queue->requests.push_back({raster, std::move(text), std::move(done)});
  queue.notify();
}

void SlateRenderer::run() {
  pthread_setname_np(pthread_self(), "genpro-slate");
  while (true) {
    Request request;
    {
      auto queue = queue_.lock();
      queue.wait([](const Queue& q) { return q.ends || !q.requests.empty(); });
      if (queue->ends) break;
      request = std::move(queue->requests.front());
      queue->requests.pop_front();
    }
    guard_c_callback("drawing a slate",
                     [&] { request.done(draw(converter_, request.raster, request.text)); });
  }
  set_ended();
}

}  // namespace genpro::bin
