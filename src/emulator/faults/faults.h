// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Faults on request, for people who test what they build on the service: what can go wrong, what of
// it is switched on, and what it does to a request. Nothing of this is stored. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "emulator/faults/values.h"
#include "emulator/http/message.h"

namespace genpro::emulator {

// What a request is about, as far as faults tell requests apart.
enum class Endpoint {
  post,      // what charges: generating, continuing
  poll,      // a generation's status
  upload,    // ingredients, also directly
  download,  // clips
  other,     // the rest of the API
  own,       // the emulator's own pages and answers, which no fault touches
};

// What becomes of the credits of a generation that is stopped.
enum class StopRefund { told, untold, none };

// The 402 of a request that the credits do not suffice for. `credits`: that would have to be
// bought.
Reply payment_reply(const std::string& message, std::uint64_t credits);

// The greatest seed: every JSON reader can tell it exactly.
inline constexpr std::int64_t max_fault_seed = (std::int64_t{1} << 53) - 1;

// A fault's name and, unless it is to be the one it has, its value.
using FaultChoice = std::pair<std::string, std::optional<std::string>>;

class Faults {
 public:
  // `models`: those that a value may name. What happens by chance is the same for the same seed and
  // the same requests; without one, it is a random one.
  explicit Faults(Models models, std::optional<std::int64_t> seed = {});

  // These throw FaultError, which says what is allowed, and then leave everything as it was.
  //
  // Switches a fault on; its counts and its chance start anew.
  void set(const std::string& name, const std::optional<std::string>& value);
  // Keeps the value for the next time.
  void switch_off(const std::string& name) { fault(name).enabled = false; }
  // Off, with the default value.
  void remove(const std::string& name);
  void remove_all();
  // Starts the chance of all faults anew.
  void set_seed(std::int64_t seed);

  // {"faults": [{"name", "enabled", "value", "default", "syntax", "description", "acted"}], "seed"}
  std::string json() const;

  // Where they act.
  //
  // The error that the request is answered with instead of being served.
  std::optional<Reply> refusal(Endpoint endpoint);
  // What becomes of the answer of a request that was served.
  void disturb(Endpoint endpoint, const Request& request, Reply& reply);
  // Seconds from pending to the end; nothing when no fault says so.
  std::optional<double> latency(const std::string& model);
  // Why a generation that starts now will fail.
  std::optional<std::string> failure(const std::string& model);
  StopRefund stop_refund();
  // The address under which a clip is given to a client.
  std::string link(const std::string& url);
  // Throws ApiError when the address of the request has expired.
  void check_link(const Request& request);

 private:
  using Value = std::variant<LatencyValue, ErrorsValue, LostValue, CutValue, SlowValue, ExpiryValue,
                             FailureValue, WaitValue, PaymentValue, RefundValue>;
  struct Kind;
  struct Fault {
    const Kind* kind = nullptr;
    bool enabled = false;
    std::string text;
    Value value;
    Dice dice;
    std::uint64_t acted = 0;  // since it was switched on
  };
  // A value as one of the functions of values.h reads it.
  template <auto read>
  static Value read_as(std::string_view text, const Models& models);
  static const std::vector<Kind>& kinds();

  Fault& fault(const std::string& name);
  // The value of a fault that is switched on, else null.
  template <typename T>
  T* active(const char* name, Fault*& found);
  Dice dice_for(const Kind& kind) const;
  // The answer to a request for a generation that is put off or not paid for.
  std::optional<Reply> put_off();
  bool has_expired(const Request& request, const ExpiryValue& expiry);

  Models models_;
  std::int64_t seed_ = 0;
  std::vector<Fault> faults_;  // in the order of kinds()
  std::int64_t last_serial_ = 0;
  // How often each address was used; those up to `oldest_serial_` are forgotten.
  std::map<std::int64_t, std::uint64_t> uses_;
  std::int64_t oldest_serial_ = 0;
};

}  // namespace genpro::emulator
