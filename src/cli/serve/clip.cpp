// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/serve/clip.h"

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "cli/ledger/describe.h"
#include "cli/output.h"

namespace genpro::cli {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A client that has left is noticed that late while it waits.
constexpr auto presence_interval = 500ms;

bool lacks_credit(const Error& error) {
  return error.http_status == 402 || error.error_code == "usable_gen_credit_required" ||
         error.error_code == "insufficient_credits_for_job";
}

unsigned status_of(const Error& error) {
  if (error.charged == Charged::unknown) return 409;
  if (lacks_credit(error)) return 402;
  switch (error.kind) {
    case ErrorKind::settings:
      return 422;
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::limit:
      return 429;
    case ErrorKind::ledger_busy:
      return 503;
    case ErrorKind::ledger:
    case ErrorKind::ledger_full:
      return 500;
    default:
      return 502;
  }
}

// Waits until `ready(*shared)` holds. False: the client has left.
template <typename Lock, typename Ready>
bool await(Lock& shared, const Client& client, Ready ready) {
  while (!shared.wait_until(client.interrupted(), Clock::now() + presence_interval, ready)) {
    if (!client.is_there()) return false;
  }
  return true;
}

}  // namespace

// Makes what it is given readable at once.
class Clip::Writer final : public Sink {
 public:
  explicit Writer(Guarded<Shared>& shared) : shared_(shared), file_(TemporaryFile::create()) {
    if (!file_) fail();
    shared_.lock()->file = file_;
  }
  void write(std::span<const unsigned char> bytes) override {
    if (!file_->write(size_, bytes)) fail();
    size_ += bytes.size();
    auto shared = shared_.lock();
    shared->bytes = size_;
    shared.notify();
  }
  void commit() override {
    auto shared = shared_.lock();
    shared->size = size_;
    shared.notify();
  }

  bool has_failed() const { return has_failed_; }

 private:
  [[noreturn]] void fail() {
    const int reason = errno;
    has_failed_ = true;
    throw std::runtime_error(std::string("The clip cannot be kept in ") + g_get_tmp_dir() + ": " +
                             g_strerror(reason) +
                             ". Make room there, or name another folder in TMPDIR.");
  }

  Guarded<Shared>& shared_;
  const std::shared_ptr<TemporaryFile> file_;
  std::uint64_t size_ = 0;
  bool has_failed_ = false;
};

Clip::Clip(const std::string& name, Settings settings, std::chrono::seconds memory,
           std::function<void(const Fetched&)> on_end)
    : name_(printable(name)),
      memory_(memory),
      tag_("\"" + take_string(g_uuid_string_random()) + "\""),
      on_end_(std::move(on_end)),
      thread_([this, set = std::move(settings)](const std::stop_token& stop) { run(set, stop); }) {}

Clip::~Clip() = default;

void Clip::run(const Settings& settings, const std::stop_token& stop) {
  const auto failure_of = [this](unsigned status, const std::string& text) {
    return HttpError(status, text, {{"Retry-After", std::to_string(memory_ / 1s)}});
  };
  Fetched fetched;
  std::optional<HttpError> failure;
  try {
    Writer writer(shared_);
    fetched = fetch_all(settings, writer, stop);
    if (const auto& error = fetched.error) {
      failure = failure_of(writer.has_failed() ? 500 : status_of(*error), error->message);
    }
  } catch (const std::exception& error) {
    fetched.error =
        Error{.kind = ErrorKind::failed, .message = error.what(), .charged = Charged::no};
    failure = failure_of(500, error.what());
  }
  if (failure) {
    tell(name_ + ": " + failure->what());
  } else if (fetched.is_done) {
    tell(name_ + ": the clip of generation " + fetched.generation_id + " is there" +
         (fetched.cost ? ", cost " + number_text(*fetched.cost) : "") +
         (fetched.is_earlier ? ", asked for before: nothing new was charged" : ""));
  } else {
    tell(name_ + ": interrupted. " + fetched.summary);
  }
  on_end_(fetched);
  auto shared = shared_.lock();
  shared->failure = std::move(failure);
  shared->ended_at = Clock::now();
  shared.notify();
}

Fetched Clip::fetch_all(const Settings& settings, Writer& writer, const std::stop_token& stop) {
  std::string told;
  Watch watch;
  watch.on_progress = [&](const Progress& progress) {
    if (progress.text != told) tell(name_ + ": " + (told = progress.text));
    auto shared = shared_.lock();
    shared->generation_id = progress.generation_id;
    if (!progress.size) return;
    shared->size = progress.size;
    shared.notify();
  };
  watch.on_warning = [this](const std::string& warning) { tell(name_ + ": " + warning); };
  return fetch(settings, writer, watch, stop);
}

bool Clip::is_to_be_tried_again() {
  auto shared = shared_.lock();
  return shared->failure && Clock::now() - *shared->ended_at >= memory_;
}

std::optional<std::uint64_t> Clip::size(const Client& client) {
  auto shared = shared_.lock();
  if (!await(shared, client, [](const Shared& s) { return s.size || s.ended_at; })) {
    return std::nullopt;
  }
  if (shared->failure) throw HttpError(*shared->failure);
  return shared->size;
}

std::size_t Clip::read(std::uint64_t offset, std::span<unsigned char> bytes, const Client& client) {
  std::shared_ptr<TemporaryFile> file;
  std::uint64_t end = 0;
  {
    auto shared = shared_.lock();
    const bool is_there =
        await(shared, client, [&](const Shared& s) { return s.bytes > offset || s.ended_at; });
    if (!is_there || shared->bytes <= offset) return 0;
    file = shared->file;
    end = shared->bytes;
  }
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), end - offset));
  return file->read(offset, bytes.first(count)) ? count : 0;
}

}  // namespace genpro::cli
