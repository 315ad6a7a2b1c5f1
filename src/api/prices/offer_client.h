// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the service offers at the moment: models, and what they cost. No form of these answers is
// published as a whole, so that they are read for what can be found in them. Belongs to the runtime
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/client.h"

namespace genpro::api {

struct Price {
  std::string model;
  double credits = 0;
  std::string unit;  // "second"; may be empty
};

// The names in each member `models` at any depth: texts, or objects with a name. The error is a
// fragment that says what is wrong.
Result<std::vector<std::string>, std::string> parse_models(std::string_view body);
// Each object at any depth that has a model and a number of credits.
Result<std::vector<Price>, std::string> parse_prices(std::string_view body);

// One call at a time, as of a Client.
class OfferClient : public Client {
 public:
  using Client::Client;

  // `card`: such as "video-from-text".
  void get_models(const std::string& card, const std::string& agent_id,
                  std::function<void(Result<std::vector<std::string>, Failure>)> done);
  void get_prices(std::function<void(Result<std::vector<Price>, Failure>)> done);
};

}  // namespace genpro::api
