// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One HTTP origin on a loopback port, scripted by a test. Well-formed answers are written by
// SoupServer; an answer with a `raw` function takes the connection away from SoupServer and writes
// whatever bytes it wants, since SoupServer cannot be talked into a wrong Content-Length, a cut
// body or silence.
//
// Threads: the origin serves from a thread of its own; each raw function runs in a further thread.
// Handlers and raw functions are therefore called beside the test and must not touch its locals
// without a lock. Every public method may be called from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <libsoup/soup.h>

#include "base/glib_ptr.h"

namespace genpro::test {

// One request as it arrived, header names in lower case. `path` is as sent, without the query.
struct Seen {
  std::string origin;
  std::string method;
  std::string path;
  std::string query;
  std::map<std::string, std::string> headers;
  std::string body;
  std::chrono::steady_clock::time_point at;

  // Empty when the request had no such header; `name` in lower case.
  std::string header(const std::string& name) const;
  // The request as text, for a search in everything that was sent.
  std::string dump() const;
};

// Something a test opens once; answers that are held by it wait for that.
class Gate {
 public:
  void open();
  bool is_open() const;
  // Runs `action` when the gate opens, at once if it is open. The action runs in the thread that
  // opens the gate.
  void when_open(std::function<void()> action);

 private:
  mutable std::mutex mutex_;
  bool opens_ = false;
  bool open_ = false;
  std::vector<std::function<void()>> actions_;
};

// The connection in the hands of a raw function. Each method returns false as soon as the client
// has gone or the origin shuts down; a raw function should return then. Returning closes the
// connection in the ordinary way.
class Wire {
 public:
  Wire(GSocket* socket, GCancellable* cancellable) : socket_(socket), cancellable_(cancellable) {}
  bool write(std::string_view bytes);
  // Sends nothing more and returns when the client has closed the connection.
  void wait_until_client_leaves();
  // The close that follows tells the client of an error (RST) and not of an end.
  void close_with_reset();
  // Waits for the gate without writing.
  bool wait(const std::shared_ptr<Gate>& gate);
  std::size_t written() const { return written_; }

 private:
  GSocket* socket_;
  GCancellable* cancellable_;
  std::size_t written_ = 0;
};

struct Answer {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  // The answer waits until the gate opens.
  std::shared_ptr<Gate> hold;
  // Set: everything above is ignored, and the function writes the answer, head included.
  std::function<void(Wire&)> raw;
};

// The shapes that many tests need.
Answer json_answer(int status, std::string text);
Answer html_answer(int status, std::string text);
Answer redirect_answer(int status, std::string location);
// Takes the request and never answers.
Answer silent_answer();
// Sends a head that promises the whole body, then only `sent` bytes of it.
Answer cut_answer(int status, std::string body, std::size_t sent);
// Closes the connection without a byte of an answer.
Answer closing_answer();

class HttpOrigin {
 public:
  using Handler = std::function<Answer(const Seen&)>;
  // The handler runs in the origin's thread, once a request, when its body has arrived.
  HttpOrigin(std::string name, Handler handler);
  ~HttpOrigin();
  HttpOrigin(const HttpOrigin&) = delete;
  HttpOrigin& operator=(const HttpOrigin&) = delete;

  int port() const { return port_; }
  // "http://127.0.0.1:PORT"
  std::string url() const;
  // Raw connections that are open now.
  int raw_connections() const { return raw_connections_; }

 private:
  static void on_request(SoupServer* server, SoupServerMessage* message, const char* path,
                         GHashTable* query, gpointer user_data);
  void serve();
  void deliver(const ObjectPtr<SoupServerMessage>& message, const Answer& answer);
  void deliver_raw(const ObjectPtr<SoupServerMessage>& message, const Answer& answer);
  static void invoke(GMainContext* context, std::function<void()> action);

  const std::string name_;
  const Handler handler_;
  MainContextPtr context_;
  MainLoopPtr loop_;
  ObjectPtr<GCancellable> cancellable_;
  ObjectPtr<SoupServer> server_;  // the origin's thread only
  std::shared_ptr<bool> alive_;   // the origin's thread only: false once it no longer serves
  int port_ = 0;
  std::atomic<int> raw_connections_ = 0;
  std::mutex raw_mutex_;
  std::vector<std::thread> raw_threads_;  // under raw_mutex_
  std::thread thread_;
};

}  // namespace genpro::test
