// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/postgresql/library.h"

#include <gmodule.h>

#include "base/text.h"
#include "ledger/store/store.h"

namespace genpro::ledger::pq {

namespace {

template <typename Function>
bool look_up(GModule* library, const char* name, Function* function) {
  gpointer symbol = nullptr;
  if (!g_module_symbol(library, name, &symbol)) return false;
  *function = reinterpret_cast<Function>(symbol);
  return *function != nullptr;
}

// Nothing, or why there is none. The library stays.
std::string try_to_load() {
  GModule* library = g_module_open("libpq.so.5", G_MODULE_BIND_LOCAL);
  bool is_loaded = library != nullptr;
#define GENPRO_PQ_LOOK_UP(name) is_loaded = is_loaded && look_up(library, "PQ" #name, &name);
  GENPRO_PQ_FUNCTIONS(GENPRO_PQ_LOOK_UP)
#undef GENPRO_PQ_LOOK_UP
  if (is_loaded) return "";
  const char* reason = g_module_error();
  return one_line(reason != nullptr ? reason : "no reason is known", 200);
}

}  // namespace

void load() {
  static const std::string reason = try_to_load();
  if (!reason.empty()) {
    throw ForeignLedger("libpq cannot be loaded (" + reason +
                        "); install the package libpq5, then start the program again");
  }
}

}  // namespace genpro::ledger::pq
