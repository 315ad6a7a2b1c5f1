// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/file/schema.h"
#include "ledger/postgresql/server_store.h"
#include "ledger/store/address.h"
#include "ledger/store/store.h"

namespace genpro::ledger {

std::unique_ptr<Store> open_store(const std::string& ledger, int busy_timeout_ms) {
  if (is_server_address(ledger)) return std::make_unique<ServerStore>(ledger);
  if (is_mistaken_address(ledger)) {
    throw ForeignLedger(
        "it is neither a file nor the address of a PostgreSQL server, which is written as "
        "postgresql://HOST/DATABASE");
  }
  return std::make_unique<FileStore>(open_ledger_file(ledger, busy_timeout_ms), busy_timeout_ms);
}

}  // namespace genpro::ledger
