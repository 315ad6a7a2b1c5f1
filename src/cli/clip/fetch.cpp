// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/clip/fetch.h"

#include <memory>
#include <utility>
#include <variant>

#include "base/text.h"
#include "cli/clip/setting_options.h"
#include "clip/container.h"
#include "clip/fast_start.h"
#include "clip/random_reader.h"
#include "clip/reader.h"
#include "http/network.h"
#include "payment/payment.h"
#include "settings/job_settings.h"

namespace genpro::cli {

namespace {

using clip::Reader;
using job::Status;

constexpr std::size_t block_size = 128 * 1024;
constexpr std::chrono::minutes longest_archiving{1};

std::string describe(const job::Update& update) {
  if (!update.progress.empty()) return update.progress;
  if (update.is_earlier) {
    return "Generation " + update.generation_id +
           " was asked for before and is picked up: nothing new is charged";
  }
  if (update.is_waiting) return "Waiting for another run, which has a request under way";
  if (update.generation_id.empty()) return "The request is being submitted";
  const char* word = update.status == Status::pending      ? " is pending"
                     : update.status == Status::processing ? " is processing"
                                                           : " is completed";
  return "Generation " + update.generation_id + word;
}

std::string describe(job::Shutdown shutdown, const Fetched& fetched, bool has_clip, bool stops) {
  switch (shutdown) {
    case job::Shutdown::stopped:
      return "Generation " + fetched.generation_id + " is stopped; its refund is not proven.";
    case job::Shutdown::refunded:
      return "Generation " + fetched.generation_id + " is stopped, and the service refunds it.";
    case job::Shutdown::left_to_others:
      return "The generation goes on for another run that follows it.";
    case job::Shutdown::noted:
      return "The service did not take the request to stop the generation in time; the next run "
             "sends it.";
    case job::Shutdown::nothing:
      break;
  }
  if (has_clip) return "The clip is paid; the same command fetches it without a new charge.";
  if (!fetched.generation_id.empty() && !stops) {
    return "Generation " + fetched.generation_id + " goes on; the same command picks it up.";
  }
  return "";
}

Error not_a_clip(const BytesPtr& head, const std::string& content_type) {
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(head.get(), &size));
  Error error;
  error.kind = ErrorKind::wrong_type;
  error.message =
      "What the service gives as the clip is no MP4" +
      (content_type.empty() ? "" : " (it is sent as " + one_line(content_type, 60) + ")") +
      (http::is_web_page({data, size}) ? " but a web page, as of a network that wants a sign-in. "
                                         "Sign in to the network with a browser, or ask"
                                       : ". Try again later, or ask") +
      " the service's support for the clip.";
  return error;
}

// One after the other, from the first byte to the last.
class Blocks {
 public:
  Blocks(std::shared_ptr<Reader> reader, bool has_index_first)
      : reader_(std::move(reader)), random_(reader_) {
    if (has_index_first) fast_start_.emplace(random_);
  }
  Reader::Outcome next(const std::stop_token& interrupted) {
    if (!fast_start_) return reader_->read(interrupted);
    Reader::Outcome outcome = fast_start_->read(offset_, block_size, interrupted);
    if (const auto* block = std::get_if<Reader::Block>(&outcome)) {
      offset_ = block->offset + g_bytes_get_size(block->bytes.get());
    }
    return outcome;
  }

 private:
  const std::shared_ptr<Reader> reader_;
  clip::RandomReader random_;
  std::optional<clip::FastStart> fast_start_;
  std::uint64_t offset_ = 0;
};

class Fetch {
 public:
  Fetch(const Settings& settings, Sink& sink, const Watch& watch,
        const std::stop_token& interrupted)
      : settings_(settings), sink_(sink), watch_(watch), interrupted_(interrupted) {}

  Fetched run() {
    auto job_settings = make_job_settings(settings_);
    if (!job_settings) {
      fetched_.error = named_as_options(std::move(job_settings.error()));
      fetched_.error->charged = Charged::no;
      return fetched_;
    }
    if (const auto* request = std::get_if<api::GenerationRequest>(&job_settings->subject)) {
      for (const std::string& warning : request->warnings) watch_.on_warning(warning);
    }
    stops_ = job_settings->stops;
    job_ = job::Job::start(Runtime::acquire(), std::move(*job_settings));
    // Also when nothing can be written: the job is told that the clip was not delivered.
    struct ShutDown {
      Fetch& fetch;
      ~ShutDown() { fetch.shut_down(); }
    };
    {
      const ShutDown at_end{*this};
      if (auto clip = await_clip()) read(std::move(*clip));
    }
    return std::move(fetched_);
  }

 private:
  std::optional<job::FinishedClip> await_clip() {
    while (auto update = job_->wait(interrupted_)) {
      if (!update->generation_id.empty() && update->generation_id != fetched_.generation_id) {
        // Nothing came of the one before, which may have been an earlier run's.
        fetched_.generation_id = update->generation_id;
        fetched_.is_earlier = false;
        fetched_.cost.reset();
      }
      fetched_.is_earlier |= update->is_earlier;
      // A 0 before the end is no cost, and at the end not always.
      if (update->clip) {
        fetched_.cost = payment::told_cost(true, update->cost, update->estimate);
      } else if (update->cost && *update->cost > 0) {
        fetched_.cost = update->cost;
      }
      if (update->doubt) watch_.on_warning(update->doubt->reason);
      if (!update->warning.empty()) watch_.on_warning(update->warning);
      if (update->error) {
        fetched_.error = named_as_options(*std::move(update->error));
        return std::nullopt;
      }
      if (update->clip) return std::move(update->clip);
      progress_.status = update->status;
      progress_.expectation = update->expectation;
      if (!update->doubt && update->warning.empty()) tell(describe(*update));
    }
    return std::nullopt;
  }

  void read(job::FinishedClip clip) {
    has_clip_ = true;
    auto settings = make_reader_settings(settings_, std::move(clip), block_size);
    settings.fresh_address = [job = std::weak_ptr(job_)](clip::ReaderSettings::AddressDone done) {
      if (const auto asked = job.lock()) asked->ask_address(std::move(done));
    };
    const auto reader = std::make_shared<Reader>(Runtime::acquire_for_clip(), std::move(settings));
    Blocks blocks(reader, settings_.faststart);
    progress_.status = Status::streaming;
    progress_.expectation.reset();
    tell("Generation " + fetched_.generation_id + " is completed: the clip is being fetched");
    while (true) {
      const Reader::Outcome outcome = blocks.next(interrupted_);
      if (const std::string warning = reader->take_warning(); !warning.empty()) {
        watch_.on_warning(warning);
      }
      if (std::holds_alternative<Reader::Interrupted>(outcome)) return;
      if (const auto* error = std::get_if<Error>(&outcome)) return fail(*error);
      if (std::holds_alternative<Reader::End>(outcome)) {
        if (fetched_.bytes == 0) return fail(not_a_clip(BytesPtr(g_bytes_new(nullptr, 0)), ""));
        finish();
        // The program's exit would wait for it as well, and tell nothing.
        reader->wait_for_archive(interrupted_, longest_archiving);
        if (const std::string warning = reader->take_warning(); !warning.empty()) {
          watch_.on_warning(warning);
        }
        return;
      }
      const BytesPtr& bytes = std::get<Reader::Block>(outcome).bytes;
      const auto info = reader->info();
      if (fetched_.bytes == 0 && !is_clip(bytes)) {
        return fail(not_a_clip(bytes, info ? info->content_type : ""));
      }
      if (!put([&] { write(bytes); })) return;
      progress_.size = info ? info->size : std::nullopt;
      watch_.on_progress(progress_);
    }
  }

  static bool is_clip(const BytesPtr& head) {
    gsize size = 0;
    const auto* data = static_cast<const unsigned char*>(g_bytes_get_data(head.get(), &size));
    return clip::identify_container({data, size}).has_value();
  }

  void write(const BytesPtr& bytes) {
    gsize size = 0;
    const auto* data = static_cast<const unsigned char*>(g_bytes_get_data(bytes.get(), &size));
    sink_.write({data, size});
    progress_.bytes = fetched_.bytes += size;
  }

  // What the sink throws becomes the error.
  template <typename Put>
  bool put(Put put) {
    try {
      put();
      return true;
    } catch (const std::exception& error) {
      fail({.kind = ErrorKind::failed, .message = error.what()});
      return false;
    }
  }

  void finish() {
    const bool is_put = put([this] {
      if (watch_.before_commit) watch_.before_commit(fetched_);
      sink_.commit();
    });
    if (!is_put) return;
    fetched_.is_done = true;
    progress_.status = Status::done;
  }

  void fail(Error error) {
    if (error.generation_id.empty()) error.generation_id = fetched_.generation_id;
    if (!error.charged && settings_.generation_id.empty()) error.charged = Charged::yes;
    fetched_.error = std::move(error);
  }

  void shut_down() {
    const auto outcome = job_->shut_down({fetched_.bytes, fetched_.is_done});
    if (!fetched_.is_done && !fetched_.error) {
      fetched_.summary = describe(outcome, fetched_, has_clip_, stops_);
    }
  }

  void tell(std::string text) {
    progress_.text = std::move(text);
    progress_.generation_id = fetched_.generation_id;
    progress_.cost = fetched_.cost;
    watch_.on_progress(progress_);
  }

  const Settings& settings_;
  Sink& sink_;
  const Watch& watch_;
  const std::stop_token interrupted_;
  std::shared_ptr<job::Job> job_;
  bool stops_ = true;
  bool has_clip_ = false;
  Progress progress_;
  Fetched fetched_;
};

}  // namespace

Fetched fetch(const Settings& settings, Sink& sink, const Watch& watch,
              const std::stop_token& interrupted) {
  return Fetch(settings, sink, watch, interrupted).run();
}

const char* to_word(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::settings:
      return "settings";
    case ErrorKind::not_authorized:
      return "not_authorized";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::open_read:
      return "open_read";
    case ErrorKind::read:
      return "read";
    case ErrorKind::failed:
      return "failed";
    case ErrorKind::wrong_type:
      return "wrong_type";
    case ErrorKind::too_large:
      return "too_large";
    case ErrorKind::limit:
      return "limit";
    case ErrorKind::ledger:
      return "ledger";
    case ErrorKind::ledger_busy:
      return "ledger_busy";
    case ErrorKind::ledger_full:
      return "ledger_full";
  }
  return "failed";
}

}  // namespace genpro::cli
