// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The page at /: its files, the events that it is sent, and the journal of requests and answers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "emulator/api/services.h"
#include "emulator/page/events.h"
#include "emulator/page/journal.h"

namespace genpro::emulator {

class Page {
 public:
  // `journal`: the file for it. Throws std::runtime_error.
  Page(Store& store, const Generations& generations, Faults& faults, const std::string& journal,
       const std::string& api_key)
      : needs_key_(!api_key.empty()),
        journal_(journal, api_key),
        events_(store, generations, faults) {}

  // To be called with each exchange of the API. Never throws.
  void note(const Request& request, const std::string& body, const Reply& reply) noexcept;

  // Whether the page has to ask for the key.
  bool needs_key() const { return needs_key_; }
  PageJournal& journal() { return journal_; }
  PageEvents& events() { return events_; }

 private:
  bool needs_key_;
  PageJournal journal_;
  PageEvents events_;
};

// The files in page/, as they were when this was built.
struct PageAsset {
  std::string_view name;
  const char* content_type;
  std::string_view content;
};

const std::vector<PageAsset>& page_assets();

// The page at / and what it asks for. `page` has to stay as long as they are served.
std::vector<Route> page_routes(Page& page);

}  // namespace genpro::emulator
