// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What SourceCore does with a clip that is there.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.h"
#include "clip/container.h"
#include "common/logging.h"
#include "http/network.h"
#include "source/source_core.h"

#define GST_CAT_DEFAULT source_debug

namespace genpro {

namespace {

using clip::Reader;
using job::Status;

// Enough to tell a clip from a web page.
constexpr std::size_t head_size = 512;
// Before the end of the stream, to tell what the archive's disk says of the clip.
constexpr std::chrono::seconds longest_archiving{1};
static_assert(head_size >= clip::container_head_size);

CapsPtr caps_of(clip::Container container) {
  switch (container) {
    case clip::Container::mpeg4_3gpp:
      return CapsPtr(gst_caps_new_empty_simple("application/x-3gp"));
    case clip::Container::quicktime:
      return CapsPtr(
          gst_caps_new_simple("video/quicktime", "variant", G_TYPE_STRING, "apple", nullptr));
    case clip::Container::fragmented:
      return CapsPtr(gst_caps_new_simple("video/quicktime", "variant", G_TYPE_STRING,
                                         "iso-fragmented", nullptr));
    case clip::Container::iso:
      break;
  }
  return CapsPtr(gst_caps_new_simple("video/quicktime", "variant", G_TYPE_STRING, "iso", nullptr));
}

}  // namespace

GstFlowReturn SourceCore::advance(std::uint64_t offset, std::size_t requested,
                                  const std::stop_token& interrupted, GstBuffer** buffer) {
  if (!reader()) {
    const GstFlowReturn ready = await_clip(interrupted);
    if (ready != GST_FLOW_OK) return ready;
  }
  Reader::Block block;
  const GstFlowReturn result = read(offset, requested, interrupted, &block);
  if (result != GST_FLOW_OK) return result;

  std::size_t length = g_bytes_get_size(block.bytes.get());
  if (stream_.stop && block.offset + length > *stream_.stop) {
    if (block.offset >= *stream_.stop) return GST_FLOW_EOS;
    length = *stream_.stop - block.offset;
    block.bytes.reset(g_bytes_new_from_bytes(block.bytes.get(), 0, length));
  }
  send_tags();
  stream_.pushed.add(block.offset, block.offset + length);
  if (is_all_pushed()) generation()->set_status(Status::done);

  GST_TRACE_OBJECT(element_, "pushes bytes %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                   block.offset, block.offset + length);
  BufferPtr pushed(gst_buffer_new_wrapped_bytes(block.bytes.get()));
  GST_BUFFER_OFFSET(pushed.get()) = block.offset;
  GST_BUFFER_OFFSET_END(pushed.get()) = block.offset + length;
  *buffer = pushed.release();
  return GST_FLOW_OK;
}

GstFlowReturn SourceCore::read(std::uint64_t offset, std::size_t length,
                               const std::stop_token& interrupted, Reader::Block* block) {
  const std::shared_ptr<Reader> reader = this->reader();
  if (!reader) return GST_FLOW_FLUSHING;
  if (stream_.is_random() && !stream_.random_reader) {
    stream_.random_reader = std::make_unique<clip::RandomReader>(reader);
    if (stream_.has_faststart) stream_.fast_start.emplace(*stream_.random_reader);
  }
  const bool looks_at_head = stream_.is_random() && !is_identified();
  Reader::Outcome outcome =
      stream_.is_random() ? read_anywhere(offset, length, interrupted) : read_next(interrupted);
  // Whoever plays live goes on to what comes next; what is told then is told when it stops.
  if (std::holds_alternative<Reader::End>(outcome) && !attached_) {
    reader->wait_for_archive(interrupted, longest_archiving);
  }
  tell_warning(*reader);
  if (std::holds_alternative<Reader::Interrupted>(outcome)) return GST_FLOW_FLUSHING;
  if (auto* error = std::get_if<Error>(&outcome)) return fail(std::move(*error));
  if (std::holds_alternative<Reader::End>(outcome)) return finish_clip();

  *block = std::move(std::get<Reader::Block>(outcome));
  if (!is_identified()) {
    const GstFlowReturn identity = identify(block->bytes);
    if (identity != GST_FLOW_OK) return identity;
  }
  if (looks_at_head) return read(offset, length, interrupted, block);
  if (block->offset != offset) {
    Error error;
    error.kind = ErrorKind::read;
    error.message = "Byte " + std::to_string(block->offset) + " of the clip came where byte " +
                    std::to_string(offset) + " was due. Start again.";
    return fail(std::move(error));
  }
  if (!stream_.is_random()) *block = split(std::move(*block), length);
  stream_.next_offset = offset + g_bytes_get_size(block->bytes.get());
  return GST_FLOW_OK;
}

Reader::Outcome SourceCore::read_next(const std::stop_token& interrupted) {
  if (stream_.rest) return *std::exchange(stream_.rest, std::nullopt);
  const std::shared_ptr<Reader> reader = this->reader();
  return reader ? reader->read(interrupted) : Reader::Interrupted{};
}

Reader::Block SourceCore::split(Reader::Block block, std::size_t length) {
  GBytes* bytes = block.bytes.get();
  const std::size_t size = g_bytes_get_size(bytes);
  // The base class gives 0 where `blocksize` is 0: an empty buffer would be no progress.
  if (length == 0 || size <= length) return block;
  stream_.rest = {BytesPtr(g_bytes_new_from_bytes(bytes, length, size - length)),
                  block.offset + length};
  return {BytesPtr(g_bytes_new_from_bytes(bytes, 0, length)), block.offset};
}

Reader::Outcome SourceCore::read_anywhere(std::uint64_t offset, std::size_t length,
                                          const std::stop_token& interrupted) {
  clip::RandomReader& reader = *stream_.random_reader;
  // Whatever is asked for first, the clip's beginning says what it is.
  if (!is_identified()) return reader.read(0, head_size, interrupted);
  // Demuxers ask for the length, and take the end for one that is not known.
  if (stream_.is_pulled && !reader.size()) {
    Reader::Outcome outcome =
        reader.read(std::numeric_limits<std::uint64_t>::max(), 1, interrupted);
    if (!std::holds_alternative<Reader::End>(outcome)) return outcome;
    pad_.set_size(*reader.size());
  }
  // The base class gives 0 where `blocksize` is 0.
  if (length == 0 && !stream_.is_pulled) length = stream_.block_size;
  return stream_.fast_start ? stream_.fast_start->read(offset, length, interrupted)
                            : reader.read(offset, length, interrupted);
}

GstFlowReturn SourceCore::identify(const BytesPtr& head) {
  gsize size = 0;
  const auto* data = static_cast<const unsigned char*>(g_bytes_get_data(head.get(), &size));
  const auto container = clip::identify_container({data, size});
  const std::shared_ptr<Reader> reader = this->reader();
  const auto info = reader ? reader->info() : std::nullopt;
  if (!container) {
    Error error;
    error.kind = ErrorKind::wrong_type;
    const std::string type = info ? one_line(info->content_type, 60) : "";
    const bool is_page = http::is_web_page({reinterpret_cast<const char*>(data), size});
    error.message =
        "What the service gives as the clip is no MP4" +
        (type.empty() ? "" : " (it is sent as " + type + ")") +
        (is_page ? " but a web page, as of a network that wants a sign-in. Sign in to the "
                   "network with a browser, or ask"
                 : ". Try again later, or ask") +
        " the service's support for the clip.";
    error.debug = "it begins with: " +
                  one_line({reinterpret_cast<const char*>(data), std::min<gsize>(size, 60)}, 60);
    return fail(std::move(error));
  }
  if (auto run = run_.lock(); auto* reading = std::get_if<Reading>(&run->state)) {
    reading->is_identified = true;
  }
  GST_INFO_OBJECT(element_, "reads a clip of %s bytes, %s",
                  info && info->size ? std::to_string(*info->size).c_str() : "unknown",
                  info && info->seekable ? "seekable" : "not seekable");
  // In pull mode caps would be taken for those of pushed data.
  if (!stream_.is_pulled) pad_.set_caps(caps_of(*container));
  if (info && info->size) pad_.set_size(*info->size);
  generation()->set_status(Status::streaming);
  return GST_FLOW_OK;
}

void SourceCore::tell_warning(Reader& reader) {
  const std::string warning = reader.take_warning();
  if (!warning.empty()) generation()->warn(GST_RESOURCE_ERROR_READ, warning);
}

GstFlowReturn SourceCore::finish_clip() {
  if (stream_.is_pulled) {
    if (is_all_pushed()) generation()->set_status(Status::done);
  } else if (!size() && stream_.pushed.covers(stream_.next_offset)) {
    // Without a size, only a reading from the first byte to the end is known to be whole.
    generation()->set_status(Status::done);
  }
  if (auto run = run_.lock(); auto* reading = std::get_if<Reading>(&run->state)) {
    reading->is_at_end = true;
  }
  return GST_FLOW_EOS;
}

bool SourceCore::is_all_pushed() {
  if (stream_.is_pulled) return stream_.random_reader->is_read();
  const auto total = size();
  return total && stream_.pushed.covers(*total);
}

void SourceCore::send_tags() {
  if (stream_.tags == Tags::sent) return;
  // Queued tags go out with the buffer behind them, unless a flush drops both.
  if (stream_.tags == Tags::queued) {
    stream_.tags = Tags::sent;
    return;
  }
  TagListPtr tags(gst_tag_list_new_empty());
  const std::shared_ptr<Generation> generation = this->generation();
  const std::string id = generation->report().generation_id;
  const std::string model = generation->model();
  const std::string comment = "generation-id=" + id;
  gst_tag_list_add(tags.get(), GST_TAG_MERGE_REPLACE, GST_TAG_COMMENT, id.c_str(),
                   GST_TAG_EXTENDED_COMMENT, comment.c_str(), nullptr);
  if (const std::string& prompt = generation->prompt(); !prompt.empty()) {
    gst_tag_list_add(tags.get(), GST_TAG_MERGE_REPLACE, GST_TAG_TITLE, prompt.c_str(), nullptr);
  }
  if (!model.empty()) {
    gst_tag_list_add(tags.get(), GST_TAG_MERGE_REPLACE, GST_TAG_ENCODER, model.c_str(), nullptr);
  }
  if (stream_.is_pulled) {
    // In pull mode no event is pushed.
    stream_.tags = Tags::sent;
    gst_element_post_message(element_, gst_message_new_tag(GST_OBJECT(element_), tags.release()));
    return;
  }
  stream_.tags = Tags::queued;
  pad_.queue_tags(std::move(tags));
}

bool SourceCore::seek(std::uint64_t position, std::optional<std::uint64_t> stop) {
  const std::shared_ptr<Reader> reader = this->reader();
  if (!reader && position != 0) return false;
  GST_DEBUG_OBJECT(element_, "continues at byte %" G_GUINT64_FORMAT, position);
  stream_.stop = stop;
  if (auto run = run_.lock(); auto* reading = std::get_if<Reading>(&run->state)) {
    reading->is_at_end = false;
  }
  if (stream_.tags == Tags::queued) stream_.tags = Tags::unsent;
  if (reader && position != stream_.next_offset) {
    stream_.rest.reset();
    const auto info = reader->info();
    if (!stream_.is_random() && info && !info->seekable) {
      // A demuxer hops to an index that comes last, and back: what is read once more is kept.
      reader->seek(0);
      stream_.random_reader = std::make_unique<clip::RandomReader>(reader);
    } else if (!stream_.is_random()) {
      reader->seek(position);
    }
    stream_.next_offset = position;
  }
  return true;
}

}  // namespace genpro
