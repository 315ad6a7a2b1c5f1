// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tells open pages what has changed, as server-sent events:
//   generation  an entry of the list, as GET /_emulator/generations gives it
//   credit      {"credit": 996.5}
//   resources   {}  the ingredients have changed: ask for them again
//   form        {}  so with what the form offers
//   faults      {}  so with the faults
//   reload      {}  more has changed than is told one by one: ask for all again
// One thread: the one whose default main context is current when this is made.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <set>
#include <string>

#include "emulator/api/views.h"
#include "emulator/domain/generations.h"
#include "emulator/faults/faults.h"
#include "emulator/http/message.h"
#include "emulator/store/store.h"
#include "emulator/util/timer.h"

namespace genpro::emulator {

// A generation as the page wants it.
std::string page_entry(const Views& views, const Generations& generations,
                       const Generation& generation);

class PageEvents {
 public:
  PageEvents(Store& store, const Generations& generations, Faults& faults);
  PageEvents(const PageEvents&) = delete;
  PageEvents& operator=(const PageEvents&) = delete;

  // The reply that goes on. Throws ApiError 503 when too many are open.
  Reply open(const std::string& origin);
  // Something else than a generation: the name of the event.
  void changed(const char* event);

 private:
  struct Listener {
    std::shared_ptr<ReplyStream> stream;
    std::string origin;
    std::set<std::int64_t> generations;  // to be told
    std::set<std::string> events;        // so
    MilliCredits credit = -1;            // told
    unsigned quiet = 0;                  // seconds since something was sent
  };

  void changed(std::int64_t generation);
  void soon();
  void send_all();
  void send_to(Listener& listener);
  void tick();

  Store& store_;
  const Generations& generations_;
  Faults& faults_;
  std::list<Listener> listeners_;
  Timer send_timer_;
  Timer tick_timer_;
  bool sending_soon_ = false;
};

}  // namespace genpro::emulator
