// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/batch/sharing.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <variant>

#include "base/glib_ptr.h"
#include "base/text.h"
#include "cli/command.h"
#include "ledger/identity/fingerprint.h"

namespace genpro::cli {

namespace {

std::string part_of_row(std::int64_t number) {
  return "row " + std::to_string(number);
}

}  // namespace

Sharing::Place& Sharing::Place::operator=(Place&& other) noexcept {
  release();
  sharing_ = other.sharing_;
  lock_ = std::move(other.lock_);
  return *this;
}

// A server's session belongs to one thread at a time.
void Sharing::Place::release() noexcept {
  if (!lock_) return;
  const auto ledger = sharing_->ledger_.lock();
  lock_.release();
}

Sharing::Sharing(const std::string& ledger, std::string batch, const std::string& base_url)
    : batch_(std::move(batch)),
      service_(ledger::service_of(base_url)),
      host_(valid_utf8(g_get_host_name()) + ", process " + std::to_string(getpid())),
      ledger_(need(ledger::Ledger::open(ledger))),
      began_(need((*ledger_.lock())->now())) {}

std::optional<Sharing::Place> Sharing::take(const std::string& part) {
  auto ledger = ledger_.lock();
  auto lock = need((*ledger)->lock_batch(batch_, part));
  if (!lock) return std::nullopt;
  return Place(*this, std::move(*lock));
}

std::optional<Sharing::Place> Sharing::take_row(const Task& task) {
  return take(part_of_row(static_cast<std::int64_t>(task.number)));
}

std::optional<Sharing::Place> Sharing::take_cell(const Task& task) {
  return take("cell " + cell_of(task));
}

std::vector<Sharing::Known> Sharing::known_rows() {
  auto ledger = ledger_.lock();
  std::vector<Known> known;
  bool is_any_left = false;
  for (ledger::BatchRow& row : need((*ledger)->batch_rows(batch_))) {
    const bool is_begun = row.status == ledger::BatchRow::Status::begun;
    const bool is_held =
        is_begun && need((*ledger)->is_batch_held(batch_, part_of_row(row.number)));
    is_any_left |= is_begun && !is_held;
    known.push_back({std::move(row), is_held});
  }
  if (!is_any_left) return known;
  // One that ended between the two questions was not left: its end was written before its place was
  // given back.
  for (ledger::BatchRow& row : need((*ledger)->batch_rows(batch_))) {
    const auto read =
        std::ranges::find(known, row.number, [](const Known& one) { return one.row.number; });
    if (read == known.end() || read->is_held) continue;
    read->is_held =
        row.status == ledger::BatchRow::Status::begun && row.changed_at != read->row.changed_at;
    read->row = std::move(row);
  }
  return known;
}

std::optional<ledger::BatchRow> Sharing::find(const Task& task) {
  for (ledger::BatchRow& row : need((*ledger_.lock())->batch_rows(batch_))) {
    if (row.number == static_cast<std::int64_t>(task.number)) return std::move(row);
  }
  return std::nullopt;
}

bool Sharing::note(const Task& task, ledger::BatchRow row) {
  std::error_code ignored;
  row.batch = batch_;
  row.number = static_cast<std::int64_t>(task.number);
  row.host = host_;
  row.output = valid_utf8(std::filesystem::absolute(task.output, ignored).string());
  // Two rows may name one generation.
  const bool may_share = !task.settings.generation_id.empty();
  return need((*ledger_.lock())->note_batch_row(row, may_share));
}

bool Sharing::is_delivered(const std::string& generation_id) {
  auto ledger = ledger_.lock();
  for (const ledger::Entry& entry : need((*ledger)->find_generation(generation_id))) {
    const bool is_here = ledger::service_of(entry.identity.base_url) == service_;
    if (is_here && std::holds_alternative<payment::Delivered>(entry.state)) return true;
  }
  return false;
}

void Sharing::note_delivery(const std::string& generation_id, std::uint64_t bytes) {
  auto ledger = ledger_.lock();
  for (const ledger::Entry& entry : need((*ledger)->find_generation(generation_id))) {
    // Another service may have given the same id.
    const bool is_here = ledger::service_of(entry.identity.base_url) == service_;
    if (!is_here || !std::holds_alternative<payment::Completed>(entry.state)) continue;
    need((*ledger)->note_delivery(entry.id, bytes));
  }
}

std::string Sharing::name() {
  return ledger::fingerprint({(*ledger_.lock())->identity(), batch_});
}

}  // namespace genpro::cli
