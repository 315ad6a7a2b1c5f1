// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the service offers at the moment: models, and what they cost. No form of these answers is
// published as a whole, so that they are read for what can be found in them. Belongs to the runtime
// thread.
#pragma once

#include <functional>
#include <optional>
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

// What a field of a card may hold, as far as a JSON Schema says that in `enum` and bounds.
struct Allowed {
  std::vector<std::string> words;  // as a person would write them
  std::optional<double> least;
  std::optional<double> most;
};

// Of one kind of card.
struct CardOffer {
  std::vector<std::string> models;
  Allowed ratio;
  Allowed resolution;
  Allowed duration;  // seconds
};

// The names in each member `models` at any depth: texts, objects with a name, or the names of an
// object's members; and the properties of each `generation_schema`. The error is a fragment that
// says what is wrong.
Result<CardOffer, std::string> parse_card_offer(std::string_view body);
// Each object at any depth that has a model and a number of credits.
Result<std::vector<Price>, std::string> parse_prices(std::string_view body);

// One call at a time, as of a Client.
class OfferClient : public Client {
 public:
  using Client::Client;

  // `card`: such as "video-from-text".
  void get_card(const std::string& card, const std::string& agent_id,
                std::function<void(Result<CardOffer, Failure>)> done);
  void get_prices(std::function<void(Result<std::vector<Price>, Failure>)> done);
};

}  // namespace genpro::api
