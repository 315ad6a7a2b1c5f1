// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <system_error>

#include "base/error.h"
#include "job/ledger.h"
#include "job/ledger_schema.h"

namespace genpro::job {

// The border that no exception of the storage crosses.
template <typename T>
Result<T> attempt_on(const std::string& path, const std::function<T()>& work) {
  try {
    return work();
  } catch (const SqliteFailure& failure) {
    return ledger_error(path, failure.code(), failure.what());
  } catch (const ForeignLedger& foreign) {
    return foreign_ledger_error(path, foreign.what());
  } catch (const std::system_error& error) {
    return ledger_error(path, error.code().value() == ENOSPC ? SQLITE_FULL : SQLITE_CANTOPEN,
                        error.what());
  }
}

}  // namespace genpro::job
