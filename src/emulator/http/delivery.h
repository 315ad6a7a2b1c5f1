// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What faults do to an answer on its way: bodies that come slowly or not to their end, connections
// that are closed or stay silent. On the main context that is the thread's default; nothing blocks.
#pragma once

#include <libsoup/soup.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "base/glib_ptr.h"
#include "emulator/util/timer.h"

namespace genpro::emulator {

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

// Connections on which nothing is ever said again. Each ends when its client closes it.
class SilentConnections {
 public:
  SilentConnections();
  ~SilentConnections();
  SilentConnections(const SilentConnections&) = delete;
  SilentConnections& operator=(const SilentConnections&) = delete;

  void hold(ObjectPtr<GIOStream> connection);

 private:
  struct Held;

  static gboolean on_ready(GSocket* socket, GIOCondition condition, gpointer data);

  std::list<std::unique_ptr<Held>> held_;
};

}  // namespace genpro::emulator
