// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Answers that take a while: those that a fault delays or cuts off, and those without an end. On
// the main context that is the thread's default; nothing blocks.
#pragma once

#include <libsoup/soup.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/glib_ptr.h"
#include "emulator/http/message.h"
#include "emulator/util/timer.h"

namespace genpro::emulator {

// All of a reply but its body, which is announced with `length`.
void put_head(SoupServerMessage* message, const Reply& reply, std::size_t length);

// Writes a body at a given rate, or up to a given byte, or both. The head of the message is set by
// its owner, with the length of the whole. Goes before the message does.
class DisturbedBody {
 public:
  // `cut`: called from the main loop once the first `cut_after` bytes have been written.
  DisturbedBody(SoupServerMessage* message, GBytes* bytes, std::optional<std::uint64_t> cut_after,
                std::optional<double> bytes_per_second, std::function<void()> cut);
  ~DisturbedBody();
  DisturbedBody(const DisturbedBody&) = delete;
  DisturbedBody& operator=(const DisturbedBody&) = delete;

  // To be told of each "wrote-body-data".
  void written(std::size_t size);

 private:
  static void on_gone(SoupServerMessage* message, gpointer data);
  void append_due();
  void append(std::size_t size);

  SoupServerMessage* message_;
  BytesPtr bytes_;
  std::size_t end_;  // bytes that are sent at all
  double rate_;      // bytes a second, 0: as fast as it goes
  std::function<void()> cut_;
  std::int64_t started_at_;  // microseconds
  std::size_t appended_ = 0;
  std::size_t written_ = 0;
  Timer timer_;
};

// A reply that is written bit by bit, in chunks.
class MessageStream final : public ReplyStream {
 public:
  // Takes status and headers from `reply` and sends them.
  static std::shared_ptr<ReplyStream> begin(SoupServerMessage* message, const Reply& reply);

  explicit MessageStream(SoupServerMessage* message);
  ~MessageStream() override;
  MessageStream(const MessageStream&) = delete;
  MessageStream& operator=(const MessageStream&) = delete;

  bool is_idle() const override { return unwritten_ == 0; }
  bool is_closed() const override;
  void write(const std::string& text) override;

 private:
  static void on_written(SoupServerMessage* message, gpointer data);
  static void on_finished(SoupServerMessage* message, gpointer data);

  ObjectPtr<SoupServerMessage> message_;
  unsigned unwritten_ = 0;  // chunks
  bool closed_ = false;
};

}  // namespace genpro::emulator
