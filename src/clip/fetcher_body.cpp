// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <utility>

#include "base/callback.h"
#include "base/text.h"
#include "clip/connection.h"
#include "clip/fetcher.h"

namespace genpro::clip {

namespace {

// How much of a clip is read, if it is there, before others have their turn, in bytes. Among
// several it is less, or those with large socket buffers would leave the others behind.
constexpr std::size_t turn_alone = 1024 * 1024;
constexpr std::size_t turn_among_several = 128 * 1024;

// To wake who waits for a block takes longer than to read it. While there is more to read, it is
// done for so many bytes at once.
constexpr std::size_t wake_size = 512 * 1024;

}  // namespace

// Without GLib's asynchronous reads, each of which takes a turn of the loop even where the bytes
// are there already.
void Fetcher::read(const ConnectionPtr& connection) {
  connection->ready.reset();
  GPollableInputStream* stream = G_POLLABLE_INPUT_STREAM(connection->stream.get());
  bool goes_on = true;
  std::size_t left = runtime_.clip_count() > 1 ? turn_among_several : turn_alone;
  while (goes_on && left > 0) {
    if (!connection->buffer) connection->buffer = pool_->take();
    ErrorPtr error;
    const gssize size = g_pollable_input_stream_read_nonblocking(
        stream, connection->buffer.get() + connection->filled,
        settings_.read_size - connection->filled, nullptr, error.out());
    if (size > 0) {
      connection->filled += static_cast<std::size_t>(size);
      connection->is_alive = true;
      connection->watch->on_body_bytes();
      left -= std::min(left, static_cast<std::size_t>(size));
      if (connection->filled == settings_.read_size) goes_on = on_bytes(connection);
      if (unannounced_ >= wake_size) announce();
      continue;
    }
    goes_on = false;
    if (!on_bytes(connection)) break;
    if (error.matches(G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
      watch_for_stall(connection);
      read_when_ready(connection);
    } else if (const char* endless = error ? connection->watch->endless() : nullptr) {
      fail_for_endless(endless);
    } else if (connection->is_decoded && !delivered_ &&
               error.matches(G_IO_ERROR, G_IO_ERROR_INVALID_DATA)) {
      ++wrong_formats_;
      connect();
    } else if (error && !(connection->ends_with_connection() &&
                          error.matches(G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT))) {
      retry(one_line(error.message(), 200));
    } else {
      on_body_end();
    }
  }
  // Other clips' turn.
  goes_on = goes_on && on_bytes(connection);
  if (goes_on) {
    watch_for_stall(connection);
    runtime_.post([weak = weak_from_this(), connection] {
      const auto self = weak.lock();
      if (self && connection == self->connection_) self->read(connection);
    });
  }
  if (!goes_on) announce();
}

// A body has not gone on by what merely wakes its reader: the lengths of chunks, a part of a TLS
// record.
void Fetcher::watch_for_stall(const ConnectionPtr& connection) {
  if (std::exchange(connection->is_alive, false)) stall_timer_.restart(settings_.stall_timeout);
}

void Fetcher::announce() {
  if (std::exchange(unannounced_, 0) > 0) channel_->lock().notify();
}

void Fetcher::read_when_ready(const ConnectionPtr& connection) {
  connection->ready.reset(g_pollable_input_stream_create_source(
      G_POLLABLE_INPUT_STREAM(connection->stream.get()), nullptr));
  const GPollableSourceFunc function = [](GObject*, gpointer data) noexcept -> gboolean {
    guard_c_callback("reading", [data] {
      const auto self = static_cast<Fetcher*>(data)->shared_from_this();
      const ConnectionPtr current = self->connection_;
      self->read(current);
    });
    return G_SOURCE_REMOVE;
  };
  // It goes with the connection, and that with this object.
  g_source_set_callback(connection->ready.get(), G_SOURCE_FUNC(function), this, nullptr);
  g_source_attach(connection->ready.get(), g_main_context_get_thread_default());
}

bool Fetcher::on_bytes(const ConnectionPtr& connection) {
  const std::size_t length = std::exchange(connection->filled, 0);
  if (length == 0) return true;
  const std::uint64_t end = connection->position + length;
  if (identity_->total && end > *identity_->total) {
    on_change("it is longer than the " + std::to_string(*identity_->total) + " bytes that it had",
              url_.without_query(), 0);
    return false;
  }
  if (connection->end && end > *connection->end) {
    fail(read_kind(),
         "The clip's server sends more bytes than it announces, so that none of them can "
         "be trusted. Try again later.",
         url_.without_query());
    return false;
  }
  std::span<const unsigned char> fresh(connection->buffer.get(), length);
  if (!compare(connection, &fresh)) return false;
  if (fresh.empty()) {
    // What was asked for to be compared is the same: now to what is wanted.
    const bool is_compared =
        connection->wanted.last && connection->position >= connection->wanted.known_end;
    if (is_compared) on_compared(connection);
    return !is_compared;
  }
  // The read-ahead counts bytes, so a block must not hold much more memory than it has bytes.
  const bool is_block = fresh.size() == length && length >= settings_.read_size / 2;
  return deliver(connection, is_block ? pool_->lend(std::move(connection->buffer), length)
                                      : BytesPtr(g_bytes_new(fresh.data(), fresh.size())));
}

bool Fetcher::compare(const ConnectionPtr& connection, std::span<const unsigned char>* bytes) {
  const std::uint64_t position = connection->position;
  const Wanted& wanted = connection->wanted;
  connection->position += bytes->size();
  // Also after a seek, beyond what was asked for to be compared.
  if (!overlap_.agrees(position, *bytes) || !samples_.agrees(position, *bytes)) {
    on_change("its bytes before byte " + std::to_string(connection->position) + " are others now",
              url_.without_query(), 0);
    return false;
  }
  if (position >= wanted.known_end) return true;
  const auto known = std::min<std::uint64_t>(bytes->size(), wanted.known_end - position);
  if (!wanted.is_proof) proven_to_ = std::max(proven_to_, position + known);
  // Of an answer that is only there to be compared nothing else is of use.
  *bytes = wanted.last ? bytes->last(0) : bytes->subspan(known);
  return true;
}

bool Fetcher::deliver(const ConnectionPtr& connection, BytesPtr bytes) {
  const std::uint64_t length = g_bytes_get_size(bytes.get());
  if (offset_ + length > settings_.max_size) {
    fail(ErrorKind::too_large,
         "The clip is larger than max-clip-size allows (" + std::to_string(settings_.max_size) +
             " bytes). Raise max-clip-size to take it.",
         url_.without_query());
    return false;
  }
  backoff_.reset();
  refusal_.reset();
  proven_to_ = 0;
  asked_without_proof_ = false;
  proofs_ = 0;
  connection->delivered += length;
  if (boxes_ && !identity_->total) {
    boxes_->add(
        {static_cast<const unsigned char*>(g_bytes_get_data(bytes.get(), nullptr)), length});
  }
  log_.trace([&] {
    return "bytes " + std::to_string(offset_) + " to " + std::to_string(offset_ + length);
  });
  auto shared = channel_->lock();
  // A seek is on its way here, and these bytes are of before it.
  if (shared->epoch != epoch_) return false;
  overlap_.add(offset_, bytes);
  samples_.add(offset_,
               {static_cast<const unsigned char*>(g_bytes_get_data(bytes.get(), nullptr)), length});
  shared->blocks.push_back({std::move(bytes), offset_});
  shared->queued += length;
  shared->failed_unwanted = false;
  unannounced_ += length;
  offset_ += length;
  delivered_ = true;
  if (shared->queued < Reader::read_ahead) return true;
  // A consumer that does not consume is no stall of the server.
  shared->fetching = Reader::Fetching::full;
  connection->is_paused = true;
  stall_timer_.stop();
  return false;
}

void Fetcher::on_body_end() {
  if (connection_->position < connection_->wanted.known_end) {
    return retry("it ended before the bytes that are wanted");
  }
  if (identity_->total && offset_ < *identity_->total) {
    return retry("it ended after " + std::to_string(offset_) + " of " +
                 std::to_string(*identity_->total) + " bytes");
  }
  if (!delivered_) {
    return fail(ErrorKind::wrong_type,
                "The clip is empty. Ask the service's support for it, with the generation's id.",
                url_.without_query());
  }
  // Rubbish may follow the last box of a clip; a connection does not break at one byte twice. What
  // was compressed does, where only its first member was unpacked.
  const bool is_same_end = std::exchange(ended_at_, offset_) == offset_;
  const bool is_known_end =
      is_same_end && !connection_->is_decoded && boxes_ && boxes_->may_end_in_box();
  if (!identity_->total && boxes_ && !boxes_->may_end() && !is_known_end) {
    return retry("it ended within a part of it or before all of them, after " +
                 std::to_string(offset_) + " bytes");
  }
  end();
}

}  // namespace genpro::clip
