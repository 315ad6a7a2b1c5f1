// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The GEN API's calls. Belongs to the runtime thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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
  using JobsDone = std::function<void(Result<std::vector<std::string>, Failure>)>;

  Client(Runtime& runtime, Access access, std::chrono::milliseconds silence);
  ~Client();

  // Creates a generation, which is charged. `idempotency_key` makes a repeated call the same one
  // for 24 hours, where the service honours it. The answer has to name the generation; a missing
  // status is pending.
  void generate(const GenerationRequest& request, const std::string& idempotency_key, Done done);
  // The answer has to name a status.
  void get_generation(const std::string& id, Done done);
  // Asks for a generation's end, which refunds it. The answer may say no more than the status.
  void stop_generation(const std::string& id, Done done);
  // The ids of all generations that the cell has. `cell_path` as in GenerationRequest.
  void get_cell_jobs(const std::string& cell_path, const std::string& agent_id, JobsDone done);
  // The current call's `done` will not be called.
  void cancel();

 private:
  struct Call;
  void ask_about(const char* method, const std::string& id, const std::string& what,
                 const std::string& suffix, Done done);
  void send(std::shared_ptr<Call> call);
  void on_reply(const std::shared_ptr<Call>& call, const HttpReply& reply);
  void follow(const std::shared_ptr<Call>& call, const HttpReply& reply);

  Runtime& runtime_;
  Access access_;
  std::chrono::milliseconds silence_;
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace genpro::api
