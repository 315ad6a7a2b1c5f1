// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Calls about what generations cost. Belongs to the runtime thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/client.h"

namespace genpro::api {

// What a request is made of, as far as it is known.
struct KnownAssets {
  bool is_bare = false;             // not even by id
  std::vector<std::string> frames;  // addresses of GenerationRequest::frames; empty: not known
};
// What is posted for an estimate. A raw job has frames by their addresses alone.
std::string estimate_body(const GenerationRequest& request, const KnownAssets& assets = {});
// Why an answer has no price: a fragment that says what is wrong, with all that the service says.
struct NoPrice {
  std::string reason;
  enum class Kind { unreadable, refused, early } kind = Kind::unreadable;
};
// Reads the answer: credits. A number beside a status of the last two kinds is no price.
Result<double, NoPrice> parse_estimate(std::string_view body);

// Of an agent's account.
struct Transaction {
  std::string id;                        // may be empty
  bool is_incoming = false;              // what came in is a refund of what it is about
  double amount = 0;                     // credits, never below 0
  std::vector<std::string> generations;  // ids of what it is about
};
// Reads a page of them. Entries that make no sense are left out.
Result<std::vector<Transaction>, std::string> parse_transactions(std::string_view body);

// One call at a time, as of a Client.
class PriceClient : public Client {
 public:
  using Client::Client;

  // What the request would cost, in credits. It is free of charge, and nothing is asked for.
  void estimate(const GenerationRequest& request, const KnownAssets& assets,
                std::function<void(Result<double, Failure>)> done);
  // 0: no page is named, and the newest entries are expected. Whether the service counts its pages
  // from 0 or from 1 is not documented: page 1 may be the same once more.
  void get_transactions(const std::string& agent_id, unsigned page,
                        std::function<void(Result<std::vector<Transaction>, Failure>)> done);
};

}  // namespace genpro::api
