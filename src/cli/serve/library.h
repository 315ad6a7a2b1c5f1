// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What can be asked for: the recipes of a folder, and what the ledger has of finished generations.
#pragma once

#include <string>
#include <vector>

#include "cli/serve/message.h"
#include "ledger/ledger.h"
#include "settings/settings.h"

namespace genpro::cli {

// A clip's settings, and what is the same for the same clip.
struct Wanted {
  std::string key;
  Settings settings;
};

// Looks at disk each time, so that what is new is found. Threads: any.
class Library {
 public:
  // `common`: as they were given, for recipes to go on from. `folder`: of the recipes; empty: there
  // are none. Throws std::runtime_error where that is none.
  Library(Settings common, std::string folder);

  // Their names without .genpro, in order.
  std::vector<std::string> recipes() const;
  // Throws HttpError: 404 when there is none, 422 when it cannot be used.
  Wanted recipe(const std::string& name) const;
  // As settings and profile have it now. Throws HttpError where there is none.
  std::string ledger() const;
  // All that are finished, the newest first. Throws std::runtime_error.
  std::vector<ledger::Entry> generations() const;
  // The one of `entries` that the recipe will be served with, whatever run it was made in; empty:
  // none, or only the service could tell. Reads files, and asks nothing.
  static std::string made_for(const Wanted& recipe, const std::vector<ledger::Entry>& entries);
  // Of a generation that the ledger has; nothing is charged for it. Throws HttpError.
  Wanted generation(const std::string& id) const;

 private:
  const Settings common_;
  const std::string folder_;
};

}  // namespace genpro::cli
