// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/http/watched_stream.h"

#include "base/callback.h"

namespace {

using genpro::emulator::StreamWatcher;

struct GstGenproWatchedInput {
  GFilterInputStream parent;
  StreamWatcher* watcher;
};

struct GstGenproWatchedInputClass {
  GFilterInputStreamClass parent_class;
};

struct GstGenproWatchedStream {
  GTcpConnection parent;
  StreamWatcher* watcher;
  GstGenproWatchedInput* input;
};

struct GstGenproWatchedStreamClass {
  GTcpConnectionClass parent_class;
};

void make_pollable(GPollableInputStreamInterface* table, gpointer);

GType gst_genpro_watched_input_get_type();
G_DEFINE_TYPE_WITH_CODE(GstGenproWatchedInput, gst_genpro_watched_input, G_TYPE_FILTER_INPUT_STREAM,
                        G_IMPLEMENT_INTERFACE(G_TYPE_POLLABLE_INPUT_STREAM, make_pollable))

GType gst_genpro_watched_stream_get_type();
G_DEFINE_TYPE(GstGenproWatchedStream, gst_genpro_watched_stream, G_TYPE_TCP_CONNECTION)

GPollableInputStream* base_of(gpointer stream) {
  return G_POLLABLE_INPUT_STREAM(
      g_filter_input_stream_get_base_stream(static_cast<GFilterInputStream*>(stream)));
}

gboolean is_readable(GPollableInputStream* stream) {
  return g_pollable_input_stream_is_readable(base_of(stream));
}

GSource* create_source(GPollableInputStream* stream, GCancellable* cancellable) {
  const genpro::Owned<GSource, g_source_unref> base(
      g_pollable_input_stream_create_source(base_of(stream), nullptr));
  return g_pollable_source_new_full(stream, base.get(), cancellable);
}

gssize read_nonblocking(GPollableInputStream* stream, void* buffer, gsize size, GError** error) {
  auto* self = reinterpret_cast<GstGenproWatchedInput*>(stream);
  genpro::ErrorPtr failure;
  gssize got = g_pollable_input_stream_read_nonblocking(base_of(stream), buffer, size, nullptr,
                                                        failure.out());
  const bool waits = got < 0 && failure.matches(G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  bool hidden = false;
  if (self->watcher != nullptr && size > 0 && !waits) {
    genpro::guard_c_callback("reading a connection", [&] {
      if (got > 0) {
        self->watcher->bytes_read({static_cast<const char*>(buffer), static_cast<gsize>(got)});
      } else {
        hidden = self->watcher->hides_end(got < 0);
      }
    });
  }
  if (hidden) {
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "The connection has ended.");
    return -1;
  }
  if (got < 0 && error != nullptr) *error = g_error_copy(failure.get());
  return got;
}

void make_pollable(GPollableInputStreamInterface* table, gpointer) {
  table->is_readable = is_readable;
  table->create_source = create_source;
  table->read_nonblocking = read_nonblocking;
}

void gst_genpro_watched_input_class_init(GstGenproWatchedInputClass*) {}
void gst_genpro_watched_input_init(GstGenproWatchedInput*) {}

GIOStreamClass* parent_class() {
  return G_IO_STREAM_CLASS(gst_genpro_watched_stream_parent_class);
}

GInputStream* get_input(GIOStream* stream) {
  auto* self = reinterpret_cast<GstGenproWatchedStream*>(stream);
  if (self->input == nullptr) {
    self->input = static_cast<GstGenproWatchedInput*>(g_object_new(
        gst_genpro_watched_input_get_type(), "base-stream",
        parent_class()->get_input_stream(stream), "close-base-stream", FALSE, nullptr));
    self->input->watcher = self->watcher;
  }
  return G_INPUT_STREAM(self->input);
}

void leave(GstGenproWatchedStream* self) {
  self->watcher = nullptr;
  if (self->input != nullptr) self->input->watcher = nullptr;
}

gboolean close_stream(GIOStream* stream, GCancellable* cancellable, GError** error) {
  auto* self = reinterpret_cast<GstGenproWatchedStream*>(stream);
  StreamWatcher* watcher = self->watcher;
  leave(self);
  bool kept = false;
  if (watcher != nullptr) {
    genpro::guard_c_callback("closing a connection", [&] { kept = watcher->keeps_socket(); });
  }
  return kept ? TRUE : parent_class()->close_fn(stream, cancellable, error);
}

void finalize(GObject* object) {
  auto* self = reinterpret_cast<GstGenproWatchedStream*>(object);
  if (self->input != nullptr) g_object_unref(self->input);
  G_OBJECT_CLASS(gst_genpro_watched_stream_parent_class)->finalize(object);
}

void gst_genpro_watched_stream_class_init(GstGenproWatchedStreamClass* type) {
  G_OBJECT_CLASS(type)->finalize = finalize;
  GIOStreamClass* stream = G_IO_STREAM_CLASS(type);
  stream->get_input_stream = get_input;
  stream->close_fn = close_stream;
}

void gst_genpro_watched_stream_init(GstGenproWatchedStream*) {}

}  // namespace

namespace genpro::emulator {

ObjectPtr<GIOStream> watched_stream(GSocket* socket, StreamWatcher* watcher) {
  auto* stream = static_cast<GstGenproWatchedStream*>(
      g_object_new(gst_genpro_watched_stream_get_type(), "socket", socket, nullptr));
  stream->watcher = watcher;
  return ObjectPtr<GIOStream>::adopt(G_IO_STREAM(stream));
}

void leave_stream(GIOStream* stream) {
  leave(reinterpret_cast<GstGenproWatchedStream*>(stream));
}

}  // namespace genpro::emulator
