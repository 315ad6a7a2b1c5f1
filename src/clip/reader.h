// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A finished clip as bytes: whole and in order, or an error.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>

#include "archive/writer.h"
#include "base/error.h"
#include "base/guarded.h"
#include "base/threads/runtime.h"
#include "base/web/url.h"
#include "clip/kept_file.h"
#include "http/network.h"

namespace genpro::clip {

struct ReaderSettings {
  Url url;
  std::chrono::milliseconds stall_timeout{15'000};  // without a byte: reconnect
  unsigned retries = 5;  // in a row without a new byte, beyond the first try
  std::chrono::milliseconds longest_wait{120'000};  // before a retry, whatever the server asks for
  std::uint64_t max_size = std::uint64_t{4} << 30;  // bytes
  std::size_t read_size = 128 * 1024;               // bytes, largest block handed out
  std::string log_id;  // of the element that reads, in logs; may be empty
  http::Network network;
  // Not empty: a file on this machine, which is read in place of the address.
  std::string file;
  std::shared_ptr<archive::Writer> archive;  // takes what is read; null: nothing does
  // Asks for a fresh address, for one that has expired: called on the runtime thread. What it is
  // given may be called by any thread, once or never. Empty: there is none to be had.
  using AddressDone = std::function<void(Result<Url>)>;
  std::function<void(AddressDone)> fresh_address;
};

// What is known of the clip once its first answer has come.
struct ClipInfo {
  std::optional<std::uint64_t> size;  // bytes
  bool seekable = false;              // size known, byte ranges honoured
  std::string content_type;           // as the server says; the bytes decide
};

// The handle that an element holds. Threads: read() is called by one thread, all others by any.
// None of the functions but read() waits, and read() ends at once when interrupted.
//
// A connection that breaks is made anew, and each answer is checked to be of the same clip. A clip
// that changes before the first block was taken is read from the beginning; after that it is an
// error. While nobody waits in read() nothing is given up: a failure that stays is tried again when
// the blocks before it have been taken.
//
// Memory: at most read_ahead bytes and three blocks are held, however large the clip is.
class Reader {
 public:
  static constexpr std::size_t read_ahead = 2 * 1024 * 1024;

  struct End {};
  struct Interrupted {};
  struct Block {
    BytesPtr bytes;  // never empty
    std::uint64_t offset = 0;
  };
  using Outcome = std::variant<Block, End, Interrupted, Error>;

  // Starts to fetch from byte 0, on the runtime thread, which the handle keeps alive.
  Reader(std::shared_ptr<Runtime> runtime, ReaderSettings settings);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // The next block; the first one of all has container_head_size bytes, if the clip has. After an
  // error or the end, the same again until seek(). When interrupted, fetching goes on up to the
  // read-ahead.
  Outcome read(const std::stop_token& interrupted = {});
  // Continues at `offset`, which may be beyond the end: read() then ends at once. What was read
  // ahead elsewhere is dropped.
  void seek(std::uint64_t offset);
  // How many bytes are there that read() gives without waiting.
  std::size_t queued() { return channel_->lock()->queued; }
  // Unset before the first answer.
  std::optional<ClipInfo> info() { return channel_->lock()->info; }
  // What a user should know, told once; mostly empty. By the thread that reads.
  std::string take_warning();
  // Once all of the clip was read: until the archive has kept it, or has told with a warning that
  // it does not. By the thread that reads.
  void wait_for_archive(const std::stop_token& interrupted, std::chrono::milliseconds longest);
  // Where the clip is read from; another one after the first one has expired.
  Url address() { return channel_->lock()->address; }

 private:
  friend class Fetcher;
  enum class Fetching {
    runs,
    full,    // stopped at the read-ahead's limit
    asleep,  // gave up for as long as nobody waits
  };
  struct Shared {
    // Whether read() would not wait.
    bool is_ready() const;
    // Whether somebody waits in read(), or has asked for a block just now.
    bool is_wanted() const;

    std::deque<Block> blocks;
    std::size_t queued = 0;  // bytes in `blocks`
    bool taken = false;      // any block, ever
    Fetching fetching = Fetching::runs;
    bool failed_unwanted = false;                    // a try, which therefore does not count
    bool waiting = false;                            // in read()
    std::chrono::steady_clock::time_point asked_at;  // for a block
    bool ended = false;
    std::optional<Error> error;
    std::string warning;
    std::optional<ClipInfo> info;
    Url address;
    // Counts seeks. What belongs to an earlier one is dropped where it arrives.
    std::uint64_t epoch = 0;
    std::uint64_t position = 0;  // in a file, of the next block
  };
  using Channel = std::shared_ptr<Guarded<Shared>>;
  Outcome read_file(const std::stop_token& interrupted);
  Outcome fetch(const std::stop_token& interrupted);
  void keep(const Outcome& outcome, const std::stop_token& interrupted);
  // Lets the fetcher go on where it stopped.
  void wake(Shared& shared);

  // First, so that it is released last.
  std::shared_ptr<Runtime> runtime_;
  Channel channel_;
  std::shared_ptr<class Fetcher> fetcher_;  // null for a file
  std::unique_ptr<KeptFile> file_;
  std::uint64_t max_size_ = 0;  // bytes, of a file
  std::shared_ptr<archive::Writer> archive_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  // Belong to who reads: the epoch and the end of the latest block.
  std::optional<std::pair<std::uint64_t, std::uint64_t>> kept_to_;
};

}  // namespace genpro::clip
