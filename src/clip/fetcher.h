// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The half of a Reader that lives on the runtime thread: requests, resumes and checks the parts.
#pragma once

#include <memory>

#include "base/backoff.h"
#include "clip/box_walker.h"
#include "clip/identity.h"
#include "clip/reader.h"

namespace genpro::clip {

class Fetcher : public std::enable_shared_from_this<Fetcher> {
 public:
  Fetcher(Runtime& runtime, ReaderSettings settings, Reader::Channel channel);

  // Drops what is under way and fetches from `offset` on.
  void seek(std::uint64_t offset, std::uint64_t epoch);
  // The read-ahead has room again.
  void resume(std::uint64_t epoch);
  void cancel();

 private:
  struct Connection;
  using ConnectionPtr = std::shared_ptr<Connection>;

  // Asks for the bytes from the current offset on, at the clip's own address: where a redirect led
  // may not be there any more.
  void begin();
  void connect();
  void on_headers(const ConnectionPtr& connection, GAsyncResult* result);
  void on_redirect(const ConnectionPtr& connection);
  // Checks a 200 or 206; false when it ended the fetch or this connection.
  bool accept(const ConnectionPtr& connection);
  void on_refusal(const ConnectionPtr& connection, unsigned status);
  void read(const ConnectionPtr& connection);
  void on_bytes(const ConnectionPtr& connection, gssize size, const ErrorPtr& error);
  void on_body_end();
  // Hands a block over; false when no more is to be read for now.
  bool deliver(BytesPtr bytes);
  // Connects again at the current offset, after a wait.
  void retry(const std::string& reason, unsigned status = 0,
             std::optional<std::chrono::milliseconds> retry_after = {});
  void end();
  void fail(ErrorKind kind, std::string message, const std::string& debug, unsigned status = 0);
  void disconnect();
  ErrorKind read_kind() const;

  Runtime& runtime_;
  const ReaderSettings settings_;
  const Reader::Channel channel_;
  Url url_;  // of the current request, after redirects
  int redirects_ = 0;
  // Unset until the first answer; every later one must agree with it.
  std::optional<Identity> identity_;
  bool delivered_ = false;  // whether any byte ever left for the element
  // Of a clip whose length the server does not tell, as long as it is read without a seek.
  std::optional<BoxWalker> boxes_{std::in_place};
  std::uint64_t offset_ = 0;
  std::uint64_t epoch_ = 0;
  ConnectionPtr connection_;
  Backoff backoff_;
  Timer retry_timer_;
  Timer stall_timer_;
};

}  // namespace genpro::clip
