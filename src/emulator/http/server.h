// SPDX-License-Identifier: LGPL-2.1-or-later
//
// HTTP: takes requests from SoupServer to their handler and its replies back. Runs on the main
// context that was the thread's default when it was made; nothing in it blocks on a client.
#pragma once

#include <libsoup/soup.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/glib_ptr.h"
#include "emulator/http/connection.h"
#include "emulator/http/delivery.h"
#include "emulator/http/exchange.h"
#include "emulator/http/listener.h"

namespace genpro::emulator {

class Server {
 public:
  // Throws std::runtime_error when the address cannot be had.
  Server(Handler& handler, const std::string& host, std::uint16_t port, bool verbose,
         const ConnectionTimes& times);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const { return listener_.port(); }
  // "http://127.0.0.1:8787"
  std::string origin() const { return "http://" + listener_.authority(); }

 private:
  struct Pending;

  static void on_started(SoupServer* server, SoupServerMessage* message, gpointer data);
  static void on_headers(SoupServer* server, SoupServerMessage* message, const char* path,
                         GHashTable* query, gpointer data);
  static void on_chunk(SoupServerMessage* message, GBytes* chunk, gpointer data);
  static void on_body(SoupServer* server, SoupServerMessage* message, const char* path,
                      GHashTable* query, gpointer data);
  static void on_answering(SoupServerMessage* message, gpointer data);
  static void on_written(SoupServerMessage* message, guint size, gpointer data);
  static void on_finished(SoupServerMessage* message, gpointer data);

  void keep_connections();
  void accept(GSocket* connection);
  Request read_request(SoupServerMessage* message) const;

  void read_head(SoupServerMessage* message, Pending& pending);
  void answer(SoupServerMessage* message, Pending& pending);
  // Answers a request whose body is still coming, and ends the connection.
  static void refuse_now(SoupServerMessage* message, Pending& pending);
  void deliver(SoupServerMessage* message, Pending& pending, const Reply& reply);
  void lose_answer(SoupServerMessage* message, Pending& pending, bool silent);
  // Without an answer, or in the middle of one.
  void end_connection(SoupServerMessage* message, bool silent);
  void answer_later(SoupServerMessage* message, const Reply& reply);

  Handler& handler_;
  bool verbose_;
  // Goes with the server, for replies that come later.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  // Nobody runs this one: see keep_connections().
  MainContextPtr still_context_;
  Connections connections_;
  ObjectPtr<SoupServer> server_;
  Listener listener_;
};

}  // namespace genpro::emulator
