// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tells the addresses that agents' owners have set of each change of a generation: in the order of
// the changes, at least once, also those from before a restart.
#pragma once

#include <libsoup/soup.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/glib_ptr.h"
#include "emulator/store/store.h"
#include "emulator/util/timer.h"

namespace genpro::emulator {

// Whether something can be sent to `url`: http or https, with a host, at most 2000 bytes.
bool is_hook_url(const std::string& url);

// A POST of JSON, {"event": "generation_changed", "event_id", "agent_id", "sheet_id", "cell_id",
// "generation_id", "status", "at_ts"}: a hint to ask for the generation, not its result. The sheet
// and cell of a job by itself are null. Anything but a 2xx answer is tried again, after 1, 2, 4 …
// 60 seconds, for a day; the events behind it wait. Redirects are not followed, no key is sent, and
// of an answer only its head is read.
//
// Kinds: "webhook" hears of each change, "callback" of the ends only.
class Webhooks {
 public:
  // `test_seconds`: how long test() waits for an answer.
  Webhooks(Store& store, double test_seconds);
  ~Webhooks();
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;

  // Looks what is to be sent. To be called when addresses have changed, and at the start.
  void wake() {
    pump_timer_.start(0, [this] { pump(); });
  }

  // Whether a 2xx answer came. Not called after this object has gone.
  using Done = std::function<void(bool taken)>;
  // Sends {"event": "test", …} once. Whatever goes wrong takes test_seconds() and is told in the
  // same way: else whoever may set an address could look for open ports.
  void test(const Hook& hook, Done done);
  double test_seconds() const { return test_seconds_; }

 private:
  using Address = std::pair<std::string, std::string>;  // agent and kind
  struct Receiver;
  class Delivery;

  void pump();
  void send_next(Receiver& receiver, const Hook& hook);
  void concluded(const Address& address, std::int64_t event, bool taken);
  void post(const std::string& url, const std::string& body, bool is_test, Done done);
  void ended(Delivery* delivery);

  Store& store_;
  ObjectPtr<SoupSession> session_;
  double test_seconds_;
  std::list<std::unique_ptr<Delivery>> deliveries_;
  Timer pump_timer_;
  std::map<Address, std::unique_ptr<Receiver>> receivers_;
};

}  // namespace genpro::emulator
