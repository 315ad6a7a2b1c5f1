// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The half of a Reader that lives on the runtime thread: requests, resumes and checks the parts.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/backoff.h"
#include "base/log.h"
#include "clip/box_walker.h"
#include "clip/identity.h"
#include "clip/overlap.h"
#include "clip/reader.h"
#include "clip/storage/block_pool.h"

namespace genpro::clip {

// Every byte is delivered under three conditions: the answer that it is in names the same clip as
// those before (tag, date, length), it says that it begins where it should, and where it repeats
// bytes that were delivered before, they are the same. A broken connection is therefore made anew
// some bytes before the break: headers are easily wrong, bytes are not.
class Fetcher : public std::enable_shared_from_this<Fetcher> {
 public:
  Fetcher(Runtime& runtime, ReaderSettings settings, Reader::Channel channel);

  // Drops what is under way and fetches from `offset` on.
  void seek(std::uint64_t offset, std::uint64_t epoch);
  // Somebody waits for the next block, or the read-ahead has room again.
  void resume(std::uint64_t epoch);
  void cancel();

 private:
  // Bytes to ask for, as offsets in the clip.
  struct Wanted {
    std::uint64_t first = 0;
    std::optional<std::uint64_t> last;  // inclusive; unset: all from `first` on
    std::uint64_t known_end = 0;        // up to there they are known, and only compared
    std::uint64_t proven_to = 0;        // how far they have been compared by an answer before
    bool is_proof = false;              // only to be compared, for the claim
  };
  struct Connection;
  using ConnectionPtr = std::shared_ptr<Connection>;

  // fetcher.cpp: what is asked for, again where that has to be, and how it ends.

  // Asks for the bytes from the current offset on, at the clip's own address: where a redirect led
  // may not be there any more.
  void begin();
  // From where on known bytes are asked for again.
  std::uint64_t compared_from() const;
  void connect();
  // After a stall: fails the try, unless its request still waits for others.
  void on_stall();
  // Connects again at the current offset, after a wait.
  void retry(const std::string& reason, unsigned status = 0,
             std::optional<std::chrono::milliseconds> retry_after = {});
  void note_size(const Connection& broken);
  // Lets somebody who comes to wait for a block know that it failed, or may fail, before that.
  void note_unwanted();
  // Fails, unless nobody waits: then everything is tried again when somebody does.
  void give_up(ErrorKind kind, std::string message, const std::string& debug, unsigned status);
  // It is not the clip of before: starts over, or fails when bytes of that one are out already.
  void on_change(const std::string& difference, const std::string& debug, unsigned status);
  void end();
  void fail(ErrorKind kind, std::string message, const std::string& debug, unsigned status = 0);
  void disconnect();
  ErrorKind read_kind() const;

  // fetcher_answers.cpp: what is made of an answer's head.

  void on_headers(const ConnectionPtr& connection, GAsyncResult* result);
  // What an answer is that has something without end: no clip, and nothing to be tried again.
  void fail_for_obstacle(const http::Obstacle& obstacle);
  void fail_for_endless(const char* what);
  void on_redirect(const ConnectionPtr& connection);
  void keep_cookies(SoupMessage* message);
  void forget_redirects();
  // Checks a 200 or 206; false when it ended the fetch or this connection.
  bool accept(const ConnectionPtr& connection);
  // A fragment; empty when there is no reason.
  std::string why_not_from_the_beginning(const Identity& now) const;
  void on_refusal(const ConnectionPtr& connection, unsigned status);
  // Asks once more without a range, where that may have been what was refused.
  bool ask_without_range(unsigned status);
  void on_no_such_range(const ConnectionPtr& connection, const std::string& debug);
  // Asks the service for a fresh address after this answer.
  void refresh(unsigned status, const std::string& debug);
  void on_address(const Result<Url>& address);
  // The address has not expired, or the fresh one is refused as well.
  void on_second_refusal(unsigned status, const std::string& debug);

  // fetcher_body.cpp: what becomes of the bytes.

  // Reads what is there, but not for ever, and goes on when there is more.
  void read(const ConnectionPtr& connection);
  // Starts the time without a byte over, if there was one.
  void watch_for_stall(const ConnectionPtr& connection);
  // Wakes who waits for a block.
  void announce();
  void read_when_ready(const ConnectionPtr& connection);
  // Checks what was read into the connection's buffer and delivers it; false when no more is to be
  // read for now.
  bool on_bytes(const ConnectionPtr& connection);
  // Compares what is known of `bytes`, at the connection's position, and goes past it. False when
  // that ended the connection.
  bool compare(const ConnectionPtr& connection, std::span<const unsigned char>* bytes);
  // Hands a block over, of which read() tells the consumer; false when no more is to be read for
  // now.
  bool deliver(const ConnectionPtr& connection, BytesPtr bytes);
  void on_body_end();

  // fetcher_proof.cpp: whether a server that names another clip has the same one.

  // As the function of that name, from what is known to be the clip.
  std::string difference_from_known(const Identity& now) const;
  bool may_be_proven(const Identity& now) const;
  // Takes an answer that may be of the same clip. Whether its bytes are to be read, as a proof.
  bool examine(const ConnectionPtr& connection, const Part& part, const std::string& changed,
               const std::string& debug);
  void ask_for_proof();
  // One that is known has answered in place of the one that is asked about.
  void on_known_server();
  // All that was asked for to be compared is the same.
  void on_compared(const ConnectionPtr& connection);

  Runtime& runtime_;
  const ReaderSettings settings_;
  const Reader::Channel channel_;
  const log::Logger log_;
  Url address_;  // the clip's own
  Url url_;      // of the current request, after redirects
  int redirects_ = 0;
  ObjectPtr<SoupCookieJar> cookies_;  // that these redirects set, for the servers they lead to
  Wanted wanted_;
  // Unset until the first answer; every later one must agree with it.
  std::optional<Identity> identity_;
  bool is_ranged_ = false;         // the server honours ranges, as far as its latest answer tells
  bool refuses_ranges_ = false;    // it has no right answer to a request for one
  std::size_t wrong_formats_ = 0;  // of an encoded body, that it was not in
  std::optional<std::uint64_t> ended_at_;  // where the latest body ended, of all bytes
  // A server that names another clip of the same length, and what of it is still to be compared.
  struct Claim {
    Identity identity;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> left;  // from, to
    int missed = 0;                                             // answers of other servers
  };
  std::optional<Claim> claim_;
  std::vector<Identity> alike_;  // of servers that were seen to have the same clip
  int proofs_ = 0;               // asked for since the latest byte
  Overlap overlap_;
  Samples samples_;
  int restarts_ = 0;
  bool delivered_ = false;  // whether any byte of the clip ever left for the element
  // Of a clip whose length the server does not tell, as long as it is read without a seek.
  std::optional<BoxWalker> boxes_{std::in_place};
  std::uint64_t start_ = 0;   // where the latest seek led
  std::uint64_t offset_ = 0;  // of the next byte to deliver
  std::uint64_t epoch_ = 0;
  const std::shared_ptr<BlockPool> pool_;
  ConnectionPtr connection_;
  std::size_t unannounced_ = 0;  // bytes that were handed over, and nobody was told of
  bool is_asleep_ = false;
  // Servers that end their answers at fixed offsets bring nothing new when they are asked for bytes
  // before them. So what was just seen to be the same is not asked for again: up to there.
  std::uint64_t proven_to_ = 0;
  bool asked_without_proof_ = false;  // since the latest byte
  // Of the latest answer, where it was so short that to compare all that is known for the next one
  // would take most of that: bytes; else 0.
  std::uint64_t short_size_ = 0;
  // An answer that made the fetcher ask for a fresh address, since the latest byte.
  struct Refusal {
    unsigned status = 0;
    std::string debug;
    bool is_pending = false;
    bool is_moved = false;     // the service has given another address
    bool is_outdated = false;  // somebody waits who did not when it began: a failure does not count
  };
  std::optional<Refusal> refusal_;
  Backoff backoff_;
  Timer retry_timer_;
  Timer stall_timer_;
};

}  // namespace genpro::clip
