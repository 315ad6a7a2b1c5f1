// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The GEN API's calls. Belongs to the runtime thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "api/answers/cell.h"
#include "api/answers/directory.h"
#include "api/answers/generation.h"
#include "api/reply.h"
#include "api/request.h"
#include "base/log.h"

namespace genpro::api {

// Where the API is, and who asks.
struct Access {
  Url base;  // as from make_access(): no slash at its end, no query
  std::string key;
  std::string log_id;  // of the element that asks, in logs; may be empty
  http::Network network = {};
};

// Checks the address alone; the key is still to be set.
Result<Access> make_access(std::string_view base_url);
std::optional<Error> check_key(std::string_view key);
// Checks both without the network. Fails with ErrorKind::settings; the key is not in the message.
Result<Access> make_access(std::string_view base_url, std::string_view key);

// One call at a time. None retries; `Failure` says whether that can help. `done` is called once,
// and never from within the call. An id or path that cannot stand in an address (a damaged ledger
// row may hold anything) ends in a Failure that was not sent.
class Client {
 public:
  using Done = std::function<void(Result<Generation, Failure>)>;
  using CellDone = std::function<void(Result<Cell, Failure>)>;
  using VariablesDone = std::function<void(Result<std::map<std::string, std::string>, Failure>)>;

  Client(Runtime& runtime, Access access, std::chrono::milliseconds silence);
  ~Client();

  // Creates a generation, which is charged. `idempotency_key` makes a repeated call the same one
  // for 24 hours, where the service honours it. The answer has to name the generation; a missing
  // status is pending. `may_leave`: as in HttpRequest.
  void generate(const GenerationRequest& request, const std::string& idempotency_key, Done done,
                std::function<bool()> may_leave = {});
  // The answer has to name a status.
  void get_generation(const std::string& id, Done done);
  // Asks for a generation's end, which proves no refund. The answer may say no more than the
  // status. `agent_id`: whose it is; empty: not known.
  void stop_generation(const std::string& id, const std::string& agent_id, Done done);
  // `cell_path` as in GenerationRequest.
  void get_cell(const std::string& cell_path, const std::string& agent_id, CellDone done);
  // `sheet_path` is the route and the sheet's id: "autocontentengine/101".
  void get_global_variables(const std::string& sheet_path, const std::string& agent_id,
                            VariablesDone done);
  // What the key reaches. Lists are read as far as the first answer has them.
  using NamesDone = std::function<void(Result<std::vector<Named>, Failure>)>;
  using SheetDone = std::function<void(Result<std::vector<SheetCell>, Failure>)>;
  void get_agents(NamesDone done);
  void get_sheets(const std::string& route, const std::string& agent_id, NamesDone done);
  void get_sheet(const std::string& sheet_path, const std::string& agent_id, SheetDone done);
  // The current call's `done` will not be called.
  void cancel();

 protected:
  struct Call;
  // `subject` without address and secret, which begin() adds.
  static std::shared_ptr<Call> make_call(const char* method, Subject subject);
  // Sends the call to `path` below the base, with the agent's id if it takes one.
  void begin(const std::shared_ptr<Call>& call, const std::string& path,
             const std::optional<std::string>& agent_id);
  void refuse(const std::shared_ptr<Call>& call, const std::string& reason);

 private:
  // `agent_id`: sent in the query and the body, where it is set.
  void ask_about(const char* method, const std::string& id, const std::string& what,
                 const std::string& suffix, const std::optional<std::string>& agent_id, Done done);
  // Whether an answer is somebody else's, as a cache before the service may give it: it says
  // nothing then. Where the service has never named what it was asked about, that is its way.
  bool is_about_another(const std::string& subject, const std::string& said,
                        const std::string& asked);
  void send(const std::shared_ptr<Call>& call);
  void on_reply(const std::shared_ptr<Call>& call, const HttpReply& reply);
  void follow(const std::shared_ptr<Call>& call, const HttpReply& reply);

  // Of a call in logs: method and address.
  std::string name(const Call& call) const;
  void log_reply(const Call& call, const Exchange::Outcome& outcome) const;

  Runtime& runtime_;
  Access access_;
  const log::Logger log_;
  std::chrono::milliseconds silence_;
  std::shared_ptr<Exchange> exchange_;
  Timer refusal_;                // of a call that is not sent
  std::set<std::string> named_;  // what answers have named that were about it
};

}  // namespace genpro::api
