// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the value of a fault says. Values are written by people, on a command line or in a form:
// words with a colon in between, as in "503:rate=0.2:count=3". Each reader throws FaultError with
// what is wrong with the value, as the rest of a sentence.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace genpro::emulator {

// A fault that does not exist, or a value that makes no sense.
class FaultError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

// Random numbers that are the same for the same seed everywhere. The distributions of the standard
// library are not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed = 0) : engine_(seed) {}
  // From 0 up to, and without, 1.
  double unit() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  // Mean 0, deviation 1.
  double normal();

 private:
  std::mt19937_64 engine_;
};

// The names of the models that there are.
using Models = std::vector<std::string>;

// When a fault acts: at which of the occasions it is asked about. Counts them down.
struct Trigger {
  double rate = 1;                     // of the occasions
  std::optional<std::uint64_t> count;  // acts so often, then never again
  std::uint64_t skip = 0;              // occasions to let pass first

  bool fires(Dice& dice);
};

// "fixed:S", "uniform:MIN:MAX", "lognormal:MEDIAN:SIGMA"; seconds.
struct Distribution {
  enum class Kind { fixed, uniform, lognormal };
  Kind kind = Kind::fixed;
  double first = 0;
  double second = 0;

  // At most a day.
  double draw(Dice& dice) const;
};

struct LatencyRule {
  std::string model;  // empty: all that have no rule of their own
  Distribution seconds;
};
using LatencyValue = std::vector<LatencyRule>;

struct ErrorRule {
  unsigned status = 503;
  std::string code;
  std::optional<std::uint64_t> retry_after;  // seconds
  Trigger trigger;
};
using ErrorsValue = std::vector<ErrorRule>;

struct LostValue {
  bool silent = false;  // else the connection is closed
  Trigger trigger;
};

struct CutValue {
  std::uint64_t bytes = 0;
  Trigger trigger;
};

struct SlowValue {
  double bytes_per_second = 0;
  Trigger trigger;
};

struct ExpiryValue {
  std::optional<double> seconds;
  std::optional<std::uint64_t> requests;
  unsigned status = 403;
};

struct FailureValue {
  std::string reason;
  std::string model;  // empty: all
  Trigger trigger;
};

// How a request is put off: by its code.
struct WaitValue {
  std::string code;
  std::optional<std::uint64_t> retry_after;  // seconds
  Trigger trigger;
};

struct PaymentValue {
  std::uint64_t credits = 0;  // that would have to be bought
  Trigger trigger;
};

struct RefundValue {
  bool untold = false;  // else there is none
  Trigger trigger;
};

LatencyValue read_latency(std::string_view text, const Models& models);
ErrorsValue read_errors(std::string_view text);
LostValue read_lost(std::string_view text);
CutValue read_cut(std::string_view text);
SlowValue read_slow(std::string_view text);
ExpiryValue read_expiry(std::string_view text);
WaitValue read_wait(std::string_view text);
PaymentValue read_payment(std::string_view text);
RefundValue read_refund(std::string_view text);
FailureValue read_failure(std::string_view text, const Models& models);

}  // namespace genpro::emulator
