// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/resources/upload.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <random>
#include <utility>

#include "base/sanitizer.h"
#include "base/text.h"

namespace genpro::api {

namespace {

// What a body stream reads: bytes, a file's content, and bytes again.
struct BodyContent {
  std::string head;
  std::shared_ptr<const FileDescriptor> file;
  std::uint64_t size = 0;  // of the file
  std::string foot;
  std::uint64_t position = 0;

  gssize read(char* buffer, gsize count, GError** error) noexcept;
};

gssize BodyContent::read(char* buffer, gsize count, GError** error) noexcept {
  std::uint64_t at = position;
  const auto copy = [&](const std::string& text) {
    const std::size_t part = std::min<std::size_t>(count, text.size() - at);
    std::memcpy(buffer, text.data() + at, part);
    position += part;
    return static_cast<gssize>(part);
  };
  if (at < head.size()) return copy(head);
  at -= head.size();
  if (at >= size) {
    at -= size;
    return copy(foot);
  }
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(count, size - at));
  const ssize_t part = read_some_at(file->get(), at, buffer, wanted);
  if (part <= 0) {
    const int code = part < 0 ? errno : EIO;
    g_set_error(error, file_error_domain(), g_io_error_from_errno(code), "%s",
                part < 0 ? g_strerror(code) : "the file became shorter while it was sent");
    return -1;
  }
  position += static_cast<std::uint64_t>(part);
  return part;
}

// A GInputStream on it, pollable and always ready: GIO reads one that is not from a thread of its
// pool, in small pieces with a change of threads for each.
struct BodyStream {
  GInputStream parent;
  BodyContent* content;
};

gssize read_body(GInputStream* stream, void* buffer, gsize count, GCancellable*,
                 GError** error) noexcept {
  const gssize part = reinterpret_cast<BodyStream*>(stream)->content->read(
      static_cast<char*>(buffer), count, error);
  ordered_before(stream);
  return part;
}

// After all reads: the last reference may go in another thread, and GObject counts them.
void finalize_body(GObject* object) noexcept {
  ordered_after(object);
  const std::unique_ptr<BodyContent> content(reinterpret_cast<BodyStream*>(object)->content);
  auto* parent = G_OBJECT_CLASS(g_type_class_peek_parent(G_OBJECT_GET_CLASS(object)));
  parent->finalize(object);
}

GSource* make_source(GPollableInputStream* stream, GCancellable* cancellable) noexcept {
  GSource* always = g_timeout_source_new(0);
  GSource* source = g_pollable_source_new_full(stream, always, cancellable);
  g_source_unref(always);
  return source;
}

GType body_stream_type() {
  static const GType type = [] {
    // A program may have this code twice, of its own and of the plugin.
    static const char here = 0;
    const std::string name = "GstGenproBodyStream" + std::to_string(GPOINTER_TO_SIZE(&here));
    const GClassInitFunc init_class = [](gpointer object_class, gpointer) noexcept {
      G_INPUT_STREAM_CLASS(object_class)->read_fn = read_body;
      G_OBJECT_CLASS(object_class)->finalize = finalize_body;
    };
    const GType made =
        g_type_register_static_simple(G_TYPE_INPUT_STREAM, name.c_str(), sizeof(GInputStreamClass),
                                      init_class, sizeof(BodyStream), nullptr, G_TYPE_FLAG_NONE);
    const GInterfaceInitFunc init_pollable = [](gpointer interface, gpointer) noexcept {
      auto* pollable = static_cast<GPollableInputStreamInterface*>(interface);
      pollable->is_readable = [](GPollableInputStream*) -> gboolean { return TRUE; };
      pollable->create_source = make_source;
    };
    const GInterfaceInfo info{init_pollable, nullptr, nullptr};
    g_type_add_interface_static(made, G_TYPE_POLLABLE_INPUT_STREAM, &info);
    return made;
  }();
  return type;
}

ObjectPtr<GInputStream> make_stream(BodyContent content) {
  auto owned = std::make_unique<BodyContent>(std::move(content));
  auto stream =
      ObjectPtr<GInputStream>::adopt(G_INPUT_STREAM(g_object_new(body_stream_type(), nullptr)));
  reinterpret_cast<BodyStream*>(stream.get())->content = owned.release();
  ordered_before(stream.get());
  return stream;
}

StreamedBody make_body(BodyContent content, std::string content_type, const Upload& upload) {
  StreamedBody body;
  body.content_type = std::move(content_type);
  body.size = content.head.size() + content.size + content.foot.size();
  body.on_sent = upload.on_sent;
  body.open = [content = std::move(content)] { return make_stream(content); };
  return body;
}

// As browsers write a name into a form.
std::string form_name(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == '"') {
      text += "%22";
    } else if (c == '\r' || c == '\n') {
      text += c == '\r' ? "%0D" : "%0A";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

GQuark file_error_domain() {
  return g_quark_from_static_string("genpro-file-error");
}

StreamedBody multipart_body(const Upload& upload) {
  std::random_device random;
  std::string boundary = "genpro";
  for (int i = 0; i < 4; ++i) boundary += std::to_string(random());
  BodyContent content;
  content.head =
      "--" + boundary +
      "\r\nContent-Disposition: form-data; name=\"content_resource[file]\"; filename=\"" +
      form_name(valid_utf8(upload.name)) + "\"\r\nContent-Type: " + upload.content_type +
      "\r\n\r\n";
  content.file = upload.file;
  content.size = upload.size;
  content.foot = "\r\n--" + boundary + "--\r\n";
  return make_body(std::move(content), "multipart/form-data; boundary=" + boundary, upload);
}

StreamedBody file_body(const Upload& upload) {
  return make_body({.head = {}, .file = upload.file, .size = upload.size, .foot = {}}, {}, upload);
}

}  // namespace genpro::api
