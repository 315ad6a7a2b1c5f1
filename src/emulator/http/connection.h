// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The connections of the server: how far each has come, and when it has to end. The server library
// has no time-outs, and forgets a connection whose client leaves after an answer without closing
// it. One thread: the one whose default main context is current when they are made.
#pragma once

#include <libsoup/soup.h>

#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "base/glib_ptr.h"
#include "emulator/http/message.h"
#include "emulator/http/watched_stream.h"
#include "emulator/util/api_error.h"
#include "emulator/util/timer.h"

namespace genpro::emulator {

// Seconds.
struct ConnectionTimes {
  double idle = 60;       // between two requests
  double stalled = 30;    // for a head, and between two pieces of a body
  double lingering = 30;  // for what a refused client goes on sending
};

class Connections;

// Of a request's URL and headers. Versions of the library differ in what they take: 64 to 100 kB.
inline constexpr std::size_t max_head = 64 * 1024;
ApiError head_too_large(bool is_url);

class Connection final : public StreamWatcher {
 public:
  Connection(Connections& owner, GSocket* socket, GSocketAddress* remote);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The connection of a message; null when it has ended or fallen silent.
  static Connection* of(SoupServerMessage* message);

  // What becomes of the request that is under way.
  void started(SoupServerMessage* message);
  void head_read() { enter(State::body); }
  void answering() { enter(State::answer); }
  void finished();

  // The client has closed its side, or all of it.
  bool client_has_left() const;
  // Both are the end of this object. Not to be called while the library reads or writes it.
  // Nothing is ever said on the connection again: it ends when its client closes it.
  void fall_silent();
  // Closes it, after an answer if there is one.
  void end(const Reply* answer = nullptr);

 private:
  friend class Connections;
  enum class State { idle, head, body, answer };

  void enter(State state);
  bool is_overdue(std::int64_t now) const;
  std::string last_words() const;
  void bytes_read(std::string_view bytes) override;
  bool hides_end(bool lost) override;
  bool keeps_socket() override;

  Connections& owner_;
  ObjectPtr<GSocket> socket_;
  ObjectPtr<GSocketAddress> remote_;
  GIOStream* stream_ = nullptr;  // tells when it goes
  // The way to the library's connection, also between two requests.
  ObjectPtr<SoupServerMessage> message_;
  State state_ = State::idle;
  bool under_way_ = false;  // the library has a message for what is read
  std::int64_t since_ = 0;  // microseconds: of the state, or of the last piece of a body
  std::size_t head_size_ = 0;
  bool has_line_ = false;  // of the head
  std::string answer_;
  Timer leaving_;
};

class Connections {
 public:
  explicit Connections(const ConnectionTimes& times);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // A stream for the library. It is to be given `remote` itself, by which of() finds this again.
  ObjectPtr<GIOStream> add(GSocket* socket, GSocketAddress* remote);
  // The server ends: nobody is told anything any more.
  void shut() { shut_ = true; }

 private:
  friend class Connection;
  // A connection that is only kept until its client closes it, or until a time.
  struct Lingering;

  void remove(const Connection& connection);
  void sweep_later();
  void sweep();
  void linger(GSocket* socket, double seconds, ObjectPtr<GIOStream> stream = {});

  ConnectionTimes times_;
  bool shut_ = false;
  bool sweeping_ = false;
  std::list<std::unique_ptr<Connection>> all_;
  std::list<std::unique_ptr<Lingering>> lingering_;
  Timer sweep_timer_;
};

}  // namespace genpro::emulator
