// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The GEN API's calls. Belongs to the runtime thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "api/generation.h"
#include "api/reply.h"
#include "api/request.h"

namespace genpro::api {

// Where the API is, and who asks.
struct Access {
  Url base;  // as from make_access(): no slash at its end, no query
  std::string key;
};

// Checks both without the network. Fails with ErrorKind::settings; the key is not in the message.
Result<Access> make_access(std::string_view base_url, std::string_view key);

// One call at a time. None retries; `Failure` says whether that can help.
class Client {
 public:
  using Done = std::function<void(Result<Generation, Failure>)>;

  Client(Runtime& runtime, Access access, std::chrono::milliseconds silence);
  ~Client();

  // Creates a generation, which is charged. `idempotency_key` makes a repeated call the same one
  // for 24 hours, where the service honours it. The answer has to name the generation; a missing
  // status is pending.
  void generate(const GenerationRequest& request, const std::string& idempotency_key, Done done);
  // The answer has to name a status.
  void get_generation(const std::string& id, Done done);
  // The current call's `done` will not be called.
  void cancel();

 private:
  struct Call;
  void send(std::shared_ptr<Call> call);
  void on_reply(const std::shared_ptr<Call>& call, const HttpReply& reply);
  void follow(const std::shared_ptr<Call>& call, const HttpReply& reply);

  Runtime& runtime_;
  Access access_;
  std::chrono::milliseconds silence_;
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace genpro::api
