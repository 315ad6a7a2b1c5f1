// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/content_coding.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"

namespace genpro::clip {

namespace {

// Those of the registry of content codings that need more than zlib. Other words, such as the
// aws-chunked that storage keeps of an upload, or a character set, say nothing of the bytes.
constexpr std::array<std::string_view, 9> other_codings = {
    "br", "zstd", "compress", "x-compress", "dcb", "dcz", "exi", "pack200-gzip", "aes128gcm"};

constexpr unsigned char first_of_member = 0x1f;

// A gzip file is one or more members, each with a header and a checksum of its own, and may have
// zeros behind them (RFC 1952, 2.2); GLib's decompressor ends with the first one.
struct GenproGzipMembers {
  GObject parent;
  GConverter* member;
  gboolean is_between;  // behind one of them
};
struct GenproGzipMembersClass {
  GObjectClass parent_class;
};

void genpro_gzip_members_converter_init(gpointer interface, gpointer);
G_DEFINE_TYPE_WITH_CODE(GenproGzipMembers, genpro_gzip_members, G_TYPE_OBJECT,
                        G_IMPLEMENT_INTERFACE(G_TYPE_CONVERTER, genpro_gzip_members_converter_init))

GenproGzipMembers* self_of(gpointer object) {
  return G_TYPE_CHECK_INSTANCE_CAST(object, genpro_gzip_members_get_type(), GenproGzipMembers);
}

void genpro_gzip_members_init(GenproGzipMembers* self) {
  self->member = G_CONVERTER(g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP));
}

void finalize(GObject* object) {
  g_object_unref(self_of(object)->member);
  G_OBJECT_CLASS(genpro_gzip_members_parent_class)->finalize(object);
}

void genpro_gzip_members_class_init(GenproGzipMembersClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = finalize;
}

GConverterResult convert(GConverter* converter, const void* input, gsize input_size, void* output,
                         gsize output_size, GConverterFlags flags, gsize* bytes_read,
                         gsize* bytes_written, GError** error) {
  GenproGzipMembers* const self = self_of(converter);
  const bool is_at_end = input_size == 0 && (flags & G_CONVERTER_INPUT_AT_END) != 0;
  const bool is_another =
      input_size > 0 && *static_cast<const unsigned char*>(input) == first_of_member;
  if (self->is_between && (is_at_end || (input_size > 0 && !is_another))) {
    *bytes_read = input_size;
    *bytes_written = 0;
    return G_CONVERTER_FINISHED;
  }
  const GConverterResult result =
      g_converter_convert(self->member, input, input_size, output, output_size, flags, bytes_read,
                          bytes_written, error);
  if (result == G_CONVERTER_ERROR) return result;
  self->is_between = result == G_CONVERTER_FINISHED;
  if (!self->is_between) return result;
  g_converter_reset(self->member);
  return G_CONVERTER_CONVERTED;
}

void reset(GConverter* converter) {
  self_of(converter)->is_between = FALSE;
  g_converter_reset(self_of(converter)->member);
}

void genpro_gzip_members_converter_init(gpointer interface, gpointer) {
  auto* const functions = static_cast<GConverterIface*>(interface);
  functions->convert = convert;
  functions->reset = reset;
}

}  // namespace

std::optional<std::vector<GZlibCompressorFormat>> formats_of(std::string_view content_encoding) {
  std::vector<GZlibCompressorFormat> formats;
  while (!content_encoding.empty()) {
    const std::size_t comma = std::min(content_encoding.find(','), content_encoding.size());
    const std::string name(trim(content_encoding.substr(0, comma)));
    content_encoding.remove_prefix(std::min(comma + 1, content_encoding.size()));
    const auto is = [&](std::string_view other) {
      return g_ascii_strcasecmp(name.c_str(), std::string(other).c_str()) == 0;
    };
    const bool is_gzip = is("gzip") || is("x-gzip");
    const bool is_deflate = is("deflate");
    if (std::ranges::any_of(other_codings, is)) return std::nullopt;
    if (!is_gzip && !is_deflate) continue;
    // One within another.
    if (!formats.empty()) return std::nullopt;
    // Some servers leave out the header of deflate.
    formats = is_gzip ? std::vector{G_ZLIB_COMPRESSOR_FORMAT_GZIP}
                      : std::vector{G_ZLIB_COMPRESSOR_FORMAT_ZLIB, G_ZLIB_COMPRESSOR_FORMAT_RAW};
  }
  return formats;
}

ObjectPtr<GConverter> make_decoder(GZlibCompressorFormat format) {
  if (format != G_ZLIB_COMPRESSOR_FORMAT_GZIP) {
    return ObjectPtr<GConverter>::adopt(G_CONVERTER(g_zlib_decompressor_new(format)));
  }
  return ObjectPtr<GConverter>::adopt(
      G_CONVERTER(g_object_new(genpro_gzip_members_get_type(), nullptr)));
}

}  // namespace genpro::clip
