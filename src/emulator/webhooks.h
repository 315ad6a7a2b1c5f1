// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tells the addresses that agents' owners have set of each change of a generation: in the order of
// the changes, at least once, also those from before a restart.
#pragma once

#include <libsoup/soup.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/glib_ptr.h"
#include "emulator/store.h"
#include "emulator/timer.h"

namespace genpro::emulator {

// Whether something can be sent to `url`: http or https, with a host, at most 2000 bytes.
bool is_hook_url(const std::string& url);

// A POST of JSON, {"event": "generation_changed", "event_id", "agent_id", "sheet_id", "cell_id",
// "generation_id", "status", "at_ts"}: a hint to ask for the generation, not its result. Anything
// but a 2xx answer is tried again, after 1, 2, 4 … 60 seconds, for a day; the events behind it
// wait. Redirects are not followed, and no key is sent.
//
// Kinds: "webhook" hears of each change, "callback" of the ends only.
class Webhooks {
 public:
  explicit Webhooks(Store& store);
  ~Webhooks();
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;

  // Looks what is to be sent. To be called when addresses have changed, and at the start.
  void wake();

  // Sends {"event": "test", …} once. `done` gets what went wrong, nothing when it was taken; it is
  // not called after this object has gone.
  void test(const Hook& hook, std::function<void(const std::string& problem)> done);

 private:
  struct Line;
  using Done = std::function<void(const std::string& problem)>;
  class Delivery;

  void pump();
  void send_next(Line& line, const Hook& hook);
  void concluded(const std::string& name, std::int64_t event, const std::string& problem);
  void post(const std::string& url, std::string body, Done done);

  Store& store_;
  ObjectPtr<SoupSession> session_;
  ObjectPtr<GCancellable> cancellable_;
  Timer pump_timer_;
  // By "agent kind".
  std::map<std::string, std::unique_ptr<Line>> lines_;
};

}  // namespace genpro::emulator
