// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/client.h"

#include <algorithm>

#include "api/client_call.h"
#include "api/dialect.h"
#include "base/text.h"

namespace genpro::api {

namespace {

constexpr int max_redirects = 10;

// Whether every segment is an id: such a path needs no escaping and leads nowhere else.
bool is_id_path(std::string_view path) {
  return std::ranges::all_of(split(path, '/'), is_id);
}

bool is_redirect(unsigned status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

Result<Access> make_access(std::string_view base_url) {
  std::string trimmed(trim(base_url));
  while (trimmed.ends_with('/')) trimmed.pop_back();
  auto url = parse_url(trimmed);
  if (!url) {
    return settings_error("api-base-url \"" + one_line(base_url, 120) +
                          "\" cannot be used: " + one_line(url.error()) +
                          ". Set it to an https address, such as https://api.gen.pro/v1.");
  }
  if (url->text != url->without_query()) {
    return settings_error(
        "api-base-url has a query or a fragment. Set it to the address alone, "
        "such as https://api.gen.pro/v1.");
  }
  // Parsing gives an empty path its slash.
  while (url->text.ends_with('/')) url->text.pop_back();
  return Access{std::move(*url), {}, {}};
}

std::optional<Error> check_key(std::string_view key) {
  if (trim(key).empty()) {
    return settings_error(
        "No API key is set. Set GEN_API_KEY, api-key-file or api-key to the "
        "key that gen.pro shows.");
  }
  if (!is_header_word(key)) {
    return settings_error(
        "The API key holds a line break, white space or another character that "
        "no key has. Set api-key, api-key-file or GEN_API_KEY to the key alone.");
  }
  return std::nullopt;
}

Result<Access> make_access(std::string_view base_url, std::string_view key) {
  auto access = make_access(base_url);
  if (!access) {
    // Who has mistaken one for the other has the key in the address.
    // Bytes that are no key may be found within a character.
    access.error().message = valid_utf8(redact(access.error().message, key));
    return access;
  }
  if (auto error = check_key(key)) return *std::move(error);
  access->key = key;
  return access;
}

Client::Client(Runtime& runtime, Access access, std::chrono::milliseconds silence)
    : runtime_(runtime),
      access_(std::move(access)),
      log_(log::Category::api, access_.log_id),
      silence_(silence) {}

Client::~Client() {
  cancel();
}

namespace {

// The settings that the path is made of.
std::string ids_in(const std::string& cell_path) {
  const bool has_layer = cell_path.find("/layers/") != std::string::npos;
  return has_layer ? "sheet-id, cell-id, layer-id" : "sheet-id, cell-id";
}

}  // namespace

void Client::cancel() {
  refusal_.stop();
  if (exchange_) exchange_->cancel();
  exchange_.reset();
}

std::shared_ptr<Client::Call> Client::make_call(const char* method, Subject subject) {
  auto call = std::make_shared<Call>();
  call->request.method = method;
  call->subject = std::move(subject);
  return call;
}

void Client::generate(const GenerationRequest& request, const std::string& idempotency_key,
                      Done done, std::function<bool()> may_leave) {
  auto call = make_call(
      "POST", {"the request for a generation", "an id in the request for a generation",
               "Check " + ids_in(request.cell_path) + ", agent-id, asset-ids and sheet-route."});
  call->may_be_sent_again = false;
  call->request.headers = {{"Idempotency-Key", idempotency_key}};
  call->request.json_body = request.body;
  call->request.may_leave = std::move(may_leave);
  const Dialect& dialect = *request.dialect;
  Done told = [&dialect, done = std::move(done)](Result<Generation, Failure> answer) {
    if (!answer) tell_dialect(dialect, answer.error());
    done(std::move(answer));
  };
  call->done = reading(std::move(told), dialect.read, [](const Generation& generation) {
    return std::string(generation.id.empty() ? "it has no generation_id" : "");
  });
  // libsoup leaves out a header that it does not like, and a repeat without this one is charged.
  if (!is_header_word(idempotency_key)) {
    return refuse(call, "its idempotency key is none that can be sent");
  }
  begin(call, dialect.path(request),
        dialect.agent_in_query ? std::optional(request.agent_id) : std::nullopt);
}

void Client::get_generation(const std::string& id, Done done) {
  ask_about("GET", id, "generation " + one_line(id, 80), "", {}, std::move(done));
}

void Client::stop_generation(const std::string& id, const std::string& agent_id, Done done) {
  ask_about("POST", id, "the request to stop generation " + one_line(id, 80), "/stop",
            agent_id.empty() ? std::nullopt : std::optional(agent_id), std::move(done));
}

void Client::ask_about(const char* method, const std::string& id, const std::string& what,
                       const std::string& suffix, const std::optional<std::string>& agent_id,
                       Done done) {
  auto call = make_call(method, {what, "generation " + one_line(id, 80),
                                 "Check generation-id, and that the key is of its owner."});
  call->done =
      reading(std::move(done), parse_generation, [this, id](Generation& generation) -> std::string {
        if (generation.status.empty()) return "it has no status";
        if (is_about_another("generation " + id, generation.id, id)) {
          return "it is about generation " + generation.id;
        }
        generation.id = id;
        return "";
      });
  // The path as a whole is looked at later, and would take several words for an id.
  if (!is_id(id))
    return refuse(call,
                  "\"" + one_line(id, 80) + "\" is no id; ids have letters, digits, _ and - only");
  if (agent_id) call->request.json_body = agent_body(*agent_id);
  begin(call, "generations/" + id + suffix, agent_id);
}

void Client::get_cell(const std::string& cell_path, const std::string& agent_id, CellDone done) {
  auto call = make_call("GET", {"the cell's generations", "the cell",
                                "Check " + ids_in(cell_path) + ", agent-id and sheet-route."});
  call->done = reading(
      std::move(done), parse_cell,
      [this, id = cell_path.substr(cell_path.rfind('/') + 1)](const Cell& cell) -> std::string {
        const bool is_another = is_about_another("cell " + id, cell.id, id);
        return is_another ? "it is about cell " + cell.id : "";
      });
  begin(call, cell_path, agent_id);
}

void Client::get_global_variables(const std::string& sheet_path, const std::string& agent_id,
                                  VariablesDone done) {
  auto call = make_call(
      "GET", {"the sheet's variables", "the sheet", "Check sheet-id, agent-id and sheet-route."});
  call->done = reading(std::move(done), parse_global_variables);
  begin(call, sheet_path + "/global_variables", agent_id);
}

void Client::get_agents(NamesDone done) {
  auto call = make_call("GET", {"the list of agents", "the list of agents", "Check api-base-url."});
  call->done = reading(std::move(done), parse_names);
  begin(call, "agents", {});
}

void Client::get_sheets(const std::string& route, const std::string& agent_id, NamesDone done) {
  auto call =
      make_call("GET", {"the list of sheets of agent " + one_line(agent_id, 80),
                        "the agent, or its list of sheets", "Check agent-id and sheet-route."});
  call->done = reading(std::move(done), parse_names);
  begin(call, route, agent_id);
}

void Client::get_sheet(const std::string& sheet_path, const std::string& agent_id, SheetDone done) {
  auto call =
      make_call("GET", {"the sheet " + one_line(sheet_path.substr(sheet_path.rfind('/') + 1), 80),
                        "the sheet", "Check sheet-id, agent-id and sheet-route."});
  call->done = reading(std::move(done), parse_sheet_cells);
  begin(call, sheet_path, agent_id);
}

bool Client::is_about_another(const std::string& subject, const std::string& said,
                              const std::string& asked) {
  if (said.empty()) return false;
  if (plain_id(said) == plain_id(asked)) {
    named_.insert(subject);
    return false;
  }
  return named_.contains(subject);
}

void Client::begin(const std::shared_ptr<Call>& call, const std::string& path,
                   const std::optional<std::string>& agent_id) {
  if (!is_id_path(path)) {
    return refuse(call, "\"" + one_line(path, 120) + "\" is no path of ids");
  }
  if (agent_id && !is_id(*agent_id)) {
    return refuse(call, "\"" + one_line(*agent_id, 80) + "\" is no id of an agent");
  }
  call->subject.address = access_.base.text + "/" + path;
  call->subject.secret = access_.key;
  auto url =
      parse_url(call->subject.address + (agent_id ? "?agent_id=" + *agent_id + call->query : ""));
  if (!url) return refuse(call, url.error());
  call->request.url = std::move(*url);
  send(call);
}

void Client::refuse(const std::shared_ptr<Call>& call, const std::string& reason) {
  cancel();
  Failure failure;
  failure.error =
      settings_error("Nothing was sent for " + call->subject.what + ": " + reason + ".");
  failure.sent = false;
  refusal_.start({}, [call, failure] { call->fail(failure); });
}

void Client::send(const std::shared_ptr<Call>& call) {
  HttpRequest request = call->request;
  request.headers.emplace_back("X-API-Key", access_.key);
  request.network = access_.network;
  cancel();
  call->sent_at = std::chrono::steady_clock::now();
  log_.debug([&] {
    const std::uint64_t size = request.body ? request.body->size : request.json_body.size();
    return name(*call) + (size > 0 ? ", " + std::to_string(size) + " bytes" : "");
  });
  exchange_ = Exchange::start(runtime_, request, silence_, [this, call](Exchange::Outcome outcome) {
    log_reply(*call, outcome);
    if (!outcome) {
      call->fail(failure_from_transport(outcome.error(), call->subject));
    } else {
      outcome->is_redirected = call->redirects > 0;
      on_reply(call, *outcome);
    }
  });
}

std::string Client::name(const Call& call) const {
  return call.request.method + " " +
         one_line(redact(call.request.url.without_query(), access_.key));
}

void Client::log_reply(const Call& call, const Exchange::Outcome& outcome) const {
  log_.debug([&] {
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - call.sent_at);
    std::string text = name(call) + " after " + std::to_string(took.count()) + " ms: ";
    if (!outcome) {
      return text + (outcome.error().sent ? "" : "not sent, ") +
             one_line(redact(outcome.error().reason, access_.key));
    }
    text += "HTTP " + std::to_string(outcome->status) + ", " +
            std::to_string(outcome->body.size()) + " bytes";
    if (outcome->retry_after) {
      text += ", to be asked again in " + std::to_string(outcome->retry_after->count()) + " ms";
    }
    return text;
  });
}

void Client::on_reply(const std::shared_ptr<Call>& call, const HttpReply& reply) {
  if (is_redirect(reply.status)) return follow(call, reply);
  if (reply.status < 200 || reply.status >= 300) {
    return call->fail(failure_from_reply(reply, call->subject));
  }
  call->done(reply, call->subject);
}

// Only within the API's origin: the key goes nowhere else, and without it there is nothing to ask.
void Client::follow(const std::shared_ptr<Call>& call, const HttpReply& reply) {
  auto target = resolve_url(call->request.url, reply.location);
  const bool keeps_method = reply.status == 307 || reply.status == 308;
  const bool is_within = target && target->origin() == access_.base.origin();
  if (is_within && call->may_be_sent_again && (call->request.method == "GET" || keeps_method) &&
      call->redirects < max_redirects) {
    ++call->redirects;
    call->request.url = std::move(*target);
    return send(call);
  }
  Failure failure = failure_from_reply(reply, call->subject);
  failure.error.kind = ErrorKind::settings;
  failure.error.message =
      "The GEN API at " + call->subject.address + " redirects to " +
      one_line(redact(target ? target->without_query() : reply.location, access_.key), 120) +
      (is_within ? ", where the request is not sent once more" : ", where the key is not sent") +
      ". Set api-base-url to the address that the API itself has.";
  call->fail(std::move(failure));
}

}  // namespace genpro::api
