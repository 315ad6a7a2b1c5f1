// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a worker has of the archive: clips that were paid for before, for which the service is not
// needed. Disks are waited for on threads of their own.
#include <utility>

#include "job/worker.h"

namespace genpro::job {

void Worker::open_archive(std::function<void()> then) {
  if (settings_.archive.empty()) return then();
  archive_task_ = std::make_unique<assets::Task>(
      runtime_, [this, archive = archive::Archive(settings_.archive), then = std::move(then)](
                    const std::stop_token&, const assets::Task::Post& post) {
        post([this, problem = archive.make_folder(), then] {
          const auto task = std::move(archive_task_);
          if (!problem) return then();
          Error error = *problem;
          append(error, "Nothing was sent.");
          if (!is_attached_) error.charged = Charged::no;
          give_up(std::move(error), false);
        });
      });
}

void Worker::look_in_archive(const std::string& id, const std::string& fingerprint,
                             std::function<void(const std::string& file)> then) {
  if (settings_.archive.empty()) return then({});
  archive_task_ = std::make_unique<assets::Task>(
      runtime_, [this, archive = archive::Archive(settings_.archive),
                 service = ledger::service_of(settings_.access.base.text), id, fingerprint,
                 then = std::move(then)](const std::stop_token&, const assets::Task::Post& post) {
        post([this, found = archive.find(service, id, fingerprint), then] {
          const auto task = std::move(archive_task_);
          if (!found.damage.empty()) on_warning(found.damage);
          then(found.file);
        });
      });
}

void Worker::serve(ledger::Entry entry, ledger::LifeLock presence, const std::string& file) {
  log_.info([&] { return "the archive has the clip: " + file; });
  cost_ = entry.cost;
  is_earlier_ = true;
  make_payment({}).hold(std::move(entry), std::move(presence));
  end_with({{}, file, nullptr});
}

std::shared_ptr<archive::Writer> Worker::archive_writer() const {
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
                      .requested_at = entry.posted_at});
}

}  // namespace genpro::job
