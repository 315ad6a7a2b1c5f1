// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/ledger/file.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/text.h"
#include "cli/output.h"
#include "ledger/store/address.h"

namespace genpro::cli {

std::unique_ptr<ledger::Ledger> open_ledger(const std::string& path) {
  if (ledger::is_server_address(path) || ledger::is_mistaken_address(path)) {
    return need(ledger::Ledger::open(path));
  }
  struct stat info {};
  // What else can be wrong with it is told when it is opened.
  if (stat(path.c_str(), &info) != 0 && (errno == ENOENT || errno == ENOTDIR)) return nullptr;
  return need(ledger::Ledger::open(path));
}

std::unique_ptr<ledger::Ledger> open_or_tell(const std::string& path) {
  auto ledger = open_ledger(path);
  if (!ledger) {
    tell(no_ledger_text(path));
    return ledger;
  }
  const std::string reason = need(ledger->moved());
  if (!reason.empty()) {
    tell("The ledger " + one_line(ledger->path(), 200) +
         " is for reading only: " + one_line(reason, 600) + ".");
  }
  return ledger;
}

std::string no_ledger_text(const std::string& path) {
  return "There is no ledger " + one_line(path, 200) +
         " yet. The first pipeline that asks for a generation creates it.";
}

}  // namespace genpro::cli
