// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A reply of SoupServer that goes on: written bit by bit in chunks.
#pragma once

#include <libsoup/soup.h>

#include <memory>
#include <string>

#include "base/glib_ptr.h"
#include "emulator/http/message.h"

namespace genpro::emulator {

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
