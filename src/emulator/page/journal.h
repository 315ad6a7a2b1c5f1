// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What clients sent about each generation and what they were answered, word for word and without
// the key, so that a person can look at it. It has a file of its own in the data folder, is written
// at most once a second, and is no part of what the service promises to remember. One thread: the
// one whose default main context is current when this is made.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "emulator/http/message.h"
#include "emulator/store/database.h"
#include "emulator/util/timer.h"

namespace genpro::emulator {

struct RecordedExchange {
  std::int64_t id = 0;
  std::int64_t generation = 0;
  std::string method;
  std::string target;   // path and query as they were sent
  std::string headers;  // a JSON object of those that matter
  std::string request;  // the body
  unsigned status = 0;
  std::string answer;
  bool arrived = true;  // else a fault has lost the answer on its way
  // The same question with the same answer, one after the other, is one record.
  std::int64_t times = 1;
  std::int64_t first_at = 0;  // milliseconds since 1970
  std::int64_t last_at = 0;
};

class PageJournal {
 public:
  // `path`: the file, made when it is missing. `secret`: a text that is masked wherever a client
  // put it; empty: none. Throws std::runtime_error.
  PageJournal(const std::string& path, std::string secret);
  ~PageJournal();
  PageJournal(const PageJournal&) = delete;
  PageJournal& operator=(const PageJournal&) = delete;

  // Notes the exchange when it is about a generation. Never throws: a full disk must not take the
  // service away.
  void note(const Request& request, const std::string& body, const Reply& reply) noexcept;

  // Oldest first: the first one and the latest ones. Throws StoreError.
  std::vector<RecordedExchange> of(std::int64_t generation);

 private:
  struct Latest {
    std::int64_t id = 0;
    std::uint64_t fingerprint = 0;
    std::int64_t count = 1;  // of rows, as far as this process knows
    std::int64_t times = 1;
    std::int64_t last_at = 0;
    bool changed = false;  // since it was written
  };

  struct Repeat {
    std::int64_t id;
    std::int64_t times;
    std::int64_t last_at;
  };

  void add(RecordedExchange exchange);
  void flush();
  void write_all();
  std::string without_secret(std::string text) const;

  std::string secret_;
  Database database_;
  std::int64_t next_id_ = 1;
  std::vector<RecordedExchange> waiting_;
  std::vector<Repeat> repeats_;                      // of records that are no longer the latest
  std::unordered_map<std::int64_t, Latest> latest_;  // by generation
  std::vector<std::int64_t> touched_;                // generations whose latest one has changed
  Timer timer_;
  bool scheduled_ = false;
};

}  // namespace genpro::emulator
