// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/errors.h"

#include <new>
#include <system_error>

#include "base/sqlite.h"
#include "base/text.h"
#include "ledger/ledger.h"
#include "ledger/postgresql/failure.h"
#include "ledger/store/address.h"
#include "ledger/store/store.h"
#include "ledger/store/transfer.h"

namespace genpro::ledger {

namespace {

std::string shown(const std::string& path) {
  return one_line(without_password(path), 200);
}

Error error_of(const std::string& path, std::string message) {
  return {.kind = ErrorKind::ledger, .message = std::move(message), .debug = shown(path)};
}

Error unusable(const std::string& path, const std::string& reason, const std::string& advice) {
  return error_of(path,
                  "The ledger " + shown(path) + " cannot be used: " + one_line(reason) + advice);
}

}  // namespace

std::string advice_for_file() {
  return "Restore it, or move it away for a new one: what it knew of paid generations is lost "
         "then. `genpro ledger check` says more";
}

std::string advice_for_asset() {
  return "Name the file in place of its id, or restore the ledger";
}

std::string advice_for_row(std::int64_t row) {
  return "`genpro ledger check` looks the ledger over; `genpro ledger prune " +
         std::to_string(row) + "` removes the row, and with it what it knew of a paid generation";
}

Error storage_error(const std::string& path, int sqlite_code, const std::string& reason) {
  Error error = error_of(path, "The ledger " + shown(path));
  error.debug += ": SQLite code " + std::to_string(sqlite_code) + ", " + one_line(reason);
  switch (sqlite_code) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    // The versions that there are have all tables and columns that are asked for, so that a
    // statement that cannot be compiled speaks of a damaged schema.
    case SQLITE_ERROR:
    case SQLITE_FORMAT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
    case SQLITE_SCHEMA:
    case SQLITE_NOMEM:
      error.message += " is damaged (" + one_line(reason) + "). " + advice_for_file() + ".";
      break;
    case SQLITE_INTERRUPT:
      // By Database::limit_work().
      error.message += " is damaged (a question to it found no end). " + advice_for_file() + ".";
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      error.kind = ErrorKind::ledger_busy;
      error.message += " has been locked by another program for " +
                       std::to_string(Ledger::busy_timeout_ms / 1000) +
                       " s. End that program, or set ledger to another file.";
      break;
    case SQLITE_FULL:
      error.kind = ErrorKind::ledger_full;
      error.message = "There is no space left for the ledger " + shown(path) +
                      ". Free some, or set ledger to a file on another disk.";
      break;
    default:
      error.message += " cannot be written (" + one_line(reason) +
                       "). Make it and its folder writable, or set ledger to another file.";
      break;
  }
  return error;
}

namespace {

Error moved_ledger_error(const std::string& path, const std::string& reason) {
  return error_of(path, "The ledger " + shown(path) + " cannot be used: " + one_line(reason, 600) +
                            ". Nothing was sent.");
}

Error server_error(const std::string& address, const ServerFailure& failure) {
  const std::string reason = one_line(failure.what());
  if (failure.is_moved()) {
    return moved_ledger_error(address, closed_reason({.moved_to = reason}));
  }
  if (failure.is_being_filled()) {
    return moved_ledger_error(address, closed_reason({.filled_from = reason}));
  }
  Error error = error_of(address, "The ledger " + shown(address));
  error.debug +=
      ": SQLSTATE " + (failure.sqlstate().empty() ? "none" : failure.sqlstate()) + ", " + reason;
  if (failure.is_connection()) {
    error.kind = ErrorKind::ledger_busy;
    error.message += " cannot be reached (" + reason +
                     "). See to its server and the way there, then start again.";
  } else if (failure.is_full()) {
    error.kind = ErrorKind::ledger_full;
    error.message =
        "There is no space left for the ledger " + shown(address) + ". Free some on its server.";
  } else if (failure.is_denied()) {
    error.message += " may not be written by this role (" + reason +
                     "). Have its owner grant what a spender needs, see the README of the ledger.";
  } else if (failure.is_read_only()) {
    error.message += " takes nothing new (" + reason +
                     "): its server is a standby, or was made read-only. Name the primary one, as "
                     "with target_session_attrs=read-write.";
  } else if (failure.is_conflict()) {
    error.kind = ErrorKind::ledger_busy;
    error.message += " is held by another program (" + reason + "). Start again in a moment.";
  } else {
    error.message += " cannot be used (" + reason + "). Look at the server's log.";
  }
  return error;
}

Error foreign_ledger_error(const std::string& path, const std::string& reason) {
  const bool is_network = reason.find("other machines") != std::string::npos;
  return unusable(path, reason,
                  std::string(". It is left as it is. ") +
                      (is_network ? "Set ledger to a file on a disk of this machine."
                       : is_server_address(path) || is_mistaken_address(path)
                           ? "See to that, or set ledger to another one."
                           : "Upgrade gst-genpro, or set ledger to another file."));
}

Error lost_ledger_error(const std::string& path, const std::string& reason) {
  return error_of(
      path,
      "The ledger " + shown(path) + " is not the one that was opened: " + one_line(reason) +
          ". What would be paid for now, others could not find. Nothing was sent. " +
          (is_server_address(path) ? "See to its server" : "Put the file back if it was moved") +
          ", and start the program anew.");
}

Error lost_place_error(const std::string& path, const std::string& reason) {
  Error error = error_of(path, "The connection to the ledger " + shown(path) + " was lost " +
                                   one_line(reason) +
                                   ", and another process may have gone on with it. Nothing was "
                                   "sent. Start again.");
  error.kind = ErrorKind::ledger_busy;
  return error;
}

Error damaged_row_error(const std::string& path, std::int64_t row, const std::string& reason) {
  Error error =
      error_of(path, "Row " + std::to_string(row) + " of the ledger " + shown(path) +
                         " is damaged: " + one_line(reason) + ". " + advice_for_row(row) + ".");
  error.ledger_row = row;
  return error;
}

}  // namespace

std::optional<Error> run_on(const std::string& path, const std::function<void()>& work) {
  try {
    work();
    return {};
  } catch (const sqlite::Failure& failure) {
    return storage_error(path, failure.code(), failure.what());
  } catch (const ServerFailure& failure) {
    return server_error(path, failure);
  } catch (const ForeignLedger& foreign) {
    return foreign_ledger_error(path, foreign.what());
  } catch (const LostLedger& lost) {
    return lost_ledger_error(path, lost.what());
  } catch (const MovedLedger& moved) {
    return moved_ledger_error(path, moved.what());
  } catch (const LostPlace& lost) {
    return lost_place_error(path, lost.what());
  } catch (const DamagedRow& damaged) {
    return damaged_row_error(path, damaged.row(), damaged.what());
  } catch (const DamagedAsset& damaged) {
    return unusable(path, damaged.what(), ". " + advice_for_asset() + ".");
  } catch (const DamagedBatch& damaged) {
    return unusable(path, damaged.what(), ". Restore the ledger, or give the batch another name.");
  } catch (const MissingRow& missing) {
    return unusable(path, missing.what(), " while a run was using it. Start the run anew.");
  } catch (const std::system_error& error) {
    return storage_error(path, error.code().value() == ENOSPC ? SQLITE_FULL : SQLITE_CANTOPEN,
                         error.what());
  } catch (const std::bad_alloc&) {
    // A damaged length asks for any amount.
    return storage_error(path, SQLITE_NOMEM, "out of memory");
  }
}

}  // namespace genpro::ledger
