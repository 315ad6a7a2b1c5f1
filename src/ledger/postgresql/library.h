// SPDX-License-Identifier: LGPL-2.1-or-later
//
// libpq, opened when the first ledger on a server is: who uses a file, or no ledger, needs none.
#pragma once

#include <libpq-fe.h>

#include <memory>

#include "base/glib_ptr.h"

namespace genpro::ledger::pq {

#define GENPRO_PQ_FUNCTIONS(X)                                                                    \
  X(clear)                                                                                        \
  X(cmdStatus) X(cmdTuples) X(conndefaults) X(connectdbParams) X(conninfoFree) X(conninfoParse)   \
      X(consumeInput) X(enterPipelineMode) X(errorMessage) X(exitPipelineMode) X(finish) X(flush) \
          X(freemem) X(ftype) X(getisnull) X(getlength) X(getResult) X(getvalue) X(isBusy)        \
              X(nfields) X(ntuples) X(pipelineSync) X(resultErrorField) X(resultErrorMessage)     \
                  X(resultStatus) X(sendPrepare) X(sendQuery) X(sendQueryParams)                  \
                      X(sendQueryPrepared) X(serverVersion) X(setnonblocking)                     \
                          X(setNoticeProcessor) X(socket) X(status)

#define GENPRO_PQ_DECLARE(name) inline decltype(&::PQ##name) name = nullptr;
GENPRO_PQ_FUNCTIONS(GENPRO_PQ_DECLARE)
#undef GENPRO_PQ_DECLARE

// Throws ForeignLedger when there is none. Threads: any.
void load();

inline void clear_result(PGresult* result) {
  clear(result);
}
inline void finish_connection(PGconn* connection) {
  finish(connection);
}
using Result = Owned<PGresult, clear_result>;
using Connection = Owned<PGconn, finish_connection>;

}  // namespace genpro::ledger::pq
