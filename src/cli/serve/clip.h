// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One clip for all who ask for it: its generation is asked for or picked up once, and its bytes are
// fetched once, into a file without a name.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/guarded.h"
#include "base/temporary_file.h"
#include "cli/clip/fetch.h"
#include "cli/serve/message.h"
#include "settings/settings.h"

namespace genpro::cli {

// Threads: any, and one of its own, which works until the clip is there.
class Clip final : public Body {
 public:
  // Begins. `name`: for what is told on standard error. `memory`: for so long a failure is told
  // again. `on_end`: called by the clip's thread.
  Clip(const std::string& name, Settings settings, std::chrono::seconds memory,
       std::function<void(const Fetched&)> on_end);
  // Ends what is under way, and waits for that.
  ~Clip() override;
  Clip(const Clip&) = delete;
  Clip& operator=(const Clip&) = delete;

  void stop() { thread_.request_stop(); }
  bool has_ended() { return shared_.lock()->ended_at.has_value(); }
  // Of its generation; empty: it has none yet.
  std::string generation_id() { return shared_.lock()->generation_id; }
  // It has failed a while ago: to ask once more is not in vain.
  bool is_to_be_tried_again();

  // In bytes; waits until it is known. Nothing: the client has left, or all ends. Throws HttpError
  // when there will be no clip.
  std::optional<std::uint64_t> size(const Client& client);
  // Differs for each object: the same bytes are never promised for another fetch.
  const std::string& tag() const { return tag_; }

  std::size_t read(std::uint64_t offset, std::span<unsigned char> bytes,
                   const Client& client) override;

 private:
  class Writer;
  struct Shared {
    std::shared_ptr<TemporaryFile> file;
    std::string generation_id;
    std::uint64_t bytes = 0;            // written
    std::optional<std::uint64_t> size;  // of the clip
    std::optional<HttpError> failure;
    std::optional<std::chrono::steady_clock::time_point> ended_at;
  };
  void run(const Settings& settings, const std::stop_token& stop);
  Fetched fetch_all(const Settings& settings, Writer& writer, const std::stop_token& stop);

  const std::string name_;
  const std::chrono::seconds memory_;
  const std::string tag_;
  const std::function<void(const Fetched&)> on_end_;
  Guarded<Shared> shared_;
  std::jthread thread_;
};

}  // namespace genpro::cli
