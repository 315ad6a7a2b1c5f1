// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a worker has of the archive: clips that were paid for before, for which the service is not
// needed. Disks are waited for on threads of their own.
#include <atomic>
#include <utility>

#include "base/text.h"
#include "job/worker/worker.h"

namespace genpro::job {

namespace {

// How long a disk may take between two pieces of a clip.
constexpr std::chrono::seconds longest_silence{30};

}  // namespace

void Worker::work_on_archive(ArchiveWork work, std::function<void()> on_silence) {
  struct Ticks {
    std::atomic<unsigned> count = 0;
    unsigned seen = 0;
  };
  const auto ticks = std::make_shared<Ticks>();
  archive_task_ = std::make_unique<assets::Task>(
      runtime_, [work = std::move(work), ticks](const std::stop_token& stopped,
                                                const assets::Task::Post& post) {
        work(stopped, post, [&ticks] { ++ticks->count; });
      });
  archive_timer_.start(longest_silence, [this, ticks, on_silence = std::move(on_silence)] {
    const unsigned now = ticks->count;
    if (std::exchange(ticks->seen, now) != now) {
      return archive_timer_.restart(longest_silence);
    }
    end_archive_work();
    on_silence();
  });
}

void Worker::end_archive_work() {
  archive_timer_.stop();
  archive_task_.reset();
}

void Worker::open_archive(std::function<void()> then) {
  if (settings_.archive.empty()) return then();
  const auto fail = [this](Error error) {
    append(error, "Nothing was sent.");
    if (!is_attached_) error.charged = Charged::no;
    give_up(std::move(error), false);
  };
  work_on_archive(
      [this, fail, archive = archive::Archive(settings_.archive), then = std::move(then)](
          const std::stop_token&, const assets::Task::Post& post, const Tick&) {
        post([this, fail, problem = archive.make_folder(), then] {
          archive_timer_.stop();
          const auto task = std::move(archive_task_);
          problem ? fail(*problem) : then();
        });
      },
      [this, fail] { fail({.kind = ErrorKind::open_read, .message = silent_archive()}); });
}

void Worker::look_in_archive(const std::string& id, const std::string& fingerprint,
                             std::function<void(const std::string& file)> then) {
  if (settings_.archive.empty()) return then({});
  work_on_archive(
      [this, archive = archive::Archive(settings_.archive),
       service = ledger::service_of(settings_.access.base.text), id, fingerprint,
       then](const std::stop_token& stopped, const assets::Task::Post& post, const Tick& tick) {
        post([this, found = archive.find(service, id, fingerprint, stopped, tick), then] {
          archive_timer_.stop();
          const auto task = std::move(archive_task_);
          if (!found.damage.empty()) on_warning(found.damage);
          then(found.file);
        });
      },
      [this, then] {
        on_warning(silent_archive() + " The service is asked for the clip.");
        then({});
      });
}

std::string Worker::silent_archive() const {
  return "The archive " + one_line(settings_.archive, 300) + " has not answered for " +
         std::to_string(longest_silence.count()) +
         " s. See to its disk, or set archive to another folder.";
}

void Worker::serve(ledger::Entry entry, ledger::LifeLock presence, const std::string& file) {
  log_.info([&] { return "the archive has the clip: " + file; });
  cost_ = entry.cost;
  is_earlier_ = true;
  make_payment({}).hold(std::move(entry), std::move(presence));
  end_with({{}, file, nullptr});
}

// The ledger learns of the delivery where it knows the generation. Where it cannot be asked, the
// clip plays all the same.
void Worker::serve_attached(ledger::Entry entry, const std::string& file) {
  if (!settings_.access.key.empty()) send_owed_stops();
  if (!ledger_.is_kept()) return serve(std::move(entry), {}, file);
  ledger_.ask<std::optional<ledger::Ledger::Held>>(
      [base_url = settings_.access.base.text, id = payment::generation_id(entry.state)](
          ledger::Ledger& ledger) { return ledger.attach(base_url, id); },
      [this, entry, file](Result<std::optional<ledger::Ledger::Held>> held) {
        if (is_shutting_down_ || has_ended_) return;
        if (!held || !*held || !has_clip((*held)->entry.state)) return serve(entry, {}, file);
        serve(std::move((*held)->entry), std::move((*held)->lock), file);
      });
}

bool Worker::has_clip(const payment::State& state) {
  return std::holds_alternative<payment::Completed>(state) ||
         std::holds_alternative<payment::Delivered>(state) ||
         std::holds_alternative<payment::Gone>(state);
}

void Worker::await_archive(std::function<void(const TurnPtr& turn)> then) {
  if (settings_.archive.empty()) return then(std::make_shared<archive::Turn>());
  work_on_archive(
      [this, archive = archive::Archive(settings_.archive),
       service = ledger::service_of(settings_.access.base.text), id = generation_id(),
       fingerprint = payment_->entry().identity.fingerprint,
       then](const std::stop_token& stopped, const assets::Task::Post& post, const Tick& tick) {
        const auto tell = [this, &post] {
          post([this] {
            Update update;
            update.progress = "Waiting for another process, which fetches the same clip";
            report(std::move(update));
          });
        };
        auto turn = std::make_shared<archive::Turn>(
            archive::await_turn(archive, service, id, fingerprint, stopped, tick, tell));
        post([this, turn = std::move(turn), then] {
          archive_timer_.stop();
          const auto task = std::move(archive_task_);
          if (!turn->found.damage.empty()) on_warning(turn->found.damage);
          then(turn);
        });
      },
      [this, then] {
        on_warning(silent_archive() + " The service is asked for the clip.");
        then(std::make_shared<archive::Turn>());
      });
}

std::shared_ptr<archive::Writer> Worker::archive_writer(
    std::unique_ptr<archive::Lease> lease) const {
  if (settings_.archive.empty()) return nullptr;
  const ledger::Entry& entry = payment_->entry();
  return std::make_shared<archive::Writer>(
      archive::Archive(settings_.archive),
      archive::Record{.service = ledger::service_of(settings_.access.base.text),
                      .generation_id = generation_id(),
                      .model = entry.identity.model,
                      .cost = cost_ ? cost_ : entry.cost,
                      .fingerprint = entry.identity.fingerprint,
                      .prompt = api::prompt_in(entry.identity.request),
                      .requested_at = entry.posted_at},
      std::move(lease));
}

}  // namespace genpro::job
