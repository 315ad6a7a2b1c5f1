// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/playout/placeholder.h"

namespace genpro::bin {

std::uint32_t border_of(PlaceholderKind kind) {
  switch (kind) {
    case PlaceholderKind::transparent:
      return 0x00000000;
    case PlaceholderKind::slate:
      return slate_colour;
    case PlaceholderKind::black:
    case PlaceholderKind::image:
      break;
  }
  return 0xff000000;
}

void Placeholder::set_kind(PlaceholderKind kind) {
  auto state = state_.lock();
  if (state->kind == kind) return;
  state->kind = kind;
  ++state->version;
  state->drawn.reset();
  draw_slate(*state);
}

void Placeholder::set_image(Frame image) {
  auto state = state_.lock();
  state->image = std::move(image);
  ++state->version;
  if (state->kind == PlaceholderKind::image) state->drawn.reset();
}

void Placeholder::set_text(const SlateText& text) {
  auto state = state_.lock();
  if (state->text == text) return;
  state->text = text;
  draw_slate(*state);
}

void Placeholder::draw_slate(State& state) {
  const bool is_there = state.slate && state.slate_text == state.text;
  if (state.kind != PlaceholderKind::slate || state.raster.info.width == 0 || is_there ||
      state.is_drawing) {
    return;
  }
  state.is_drawing = true;
  // Not before: it has a thread, which an element that is never used does without.
  if (!state.renderer) state.renderer = SlateRenderer::acquire();
  state.renderer->render(
      state.raster, state.text,
      [self = weak_from_this(), raster = state.raster, text = state.text](BufferPtr buffer) {
        const std::shared_ptr<Placeholder> placeholder = self.lock();
        if (!placeholder) return;
        auto now = placeholder->state_.lock();
        now->is_drawing = false;
        if (buffer && now->raster.is_like(raster)) {
          now->slate = std::move(buffer);
          now->slate_text = text;
          if (now->kind == PlaceholderKind::slate) now->drawn.reset();
        }
        // It may say something else by now.
        if (now->slate || !now->raster.is_like(raster)) placeholder->draw_slate(*now);
      });
}

BufferPtr Placeholder::frame(const Raster& raster) {
  Frame image;
  unsigned version = 0;
  {
    auto state = state_.lock();
    version = state->version;
    if (!state->raster.is_like(raster)) {
      state->raster = raster;
      state->drawn.reset();
      state->slate.reset();
      draw_slate(*state);
    }
    if (!state->drawn && state->kind == PlaceholderKind::slate && state->slate) {
      state->drawn.reset(gst_buffer_ref(state->slate.get()));
    }
    if (state->drawn) return BufferPtr(gst_buffer_ref(state->drawn.get()));
    if (state->kind == PlaceholderKind::image && state->image) image = state->image.copy();
  }
  BufferPtr frame = image ? converter_.fit(image, raster) : nullptr;
  if (!frame) frame = converter_.fill(raster.border, raster);
  if (!frame) return nullptr;
  auto state = state_.lock();
  const bool slate_came = state->kind == PlaceholderKind::slate && state->slate;
  if (!slate_came && state->version == version) state->drawn.reset(gst_buffer_ref(frame.get()));
  return frame;
}

}  // namespace genpro::bin
