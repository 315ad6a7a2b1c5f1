// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/client.h"

#include <algorithm>

#include "base/text.h"

namespace genpro::api {

namespace {

constexpr int max_redirects = 10;

Error settings_error(std::string message) {
  Error error;
  error.kind = ErrorKind::settings;
  error.message = std::move(message);
  return error;
}

bool is_redirect(unsigned status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

Result<Access> make_access(std::string_view base_url, std::string_view key) {
  std::string trimmed(trim(base_url));
  while (trimmed.ends_with('/')) trimmed.pop_back();
  auto url = parse_url(trimmed);
  if (!url) {
    return settings_error("api-base-url \"" + one_line(redact(base_url, key), 120) +
                          "\" cannot be used: " + one_line(redact(url.error(), key)) +
                          ". Set it to an https address, such as https://api.gen.pro/v1.");
  }
  if (url->text != url->without_query()) {
    return settings_error(
        "api-base-url has a query or a fragment. Set it to the address alone, "
        "such as https://api.gen.pro/v1.");
  }
  if (trim(key).empty()) {
    return settings_error(
        "No API key is set. Set GEN_API_KEY, api-key-file or api-key to the "
        "key that gen.pro shows.");
  }
  const bool fits_header =
      std::all_of(key.begin(), key.end(), [](char c) { return g_ascii_isgraph(c); });
  if (!fits_header) {
    return settings_error(
        "The API key holds a line break, white space or another character that "
        "no key has. Set api-key, api-key-file or GEN_API_KEY to the key alone.");
  }
  // Parsing gives an empty path its slash.
  while (url->text.ends_with('/')) url->text.pop_back();
  return Access{std::move(*url), std::string(key)};
}

struct Client::Call {
  HttpRequest request;
  Subject subject;
  std::function<void(Result<HttpReply, Failure>)> done;
  int redirects = 0;
};

Client::Client(Runtime& runtime, Access access, std::chrono::milliseconds silence)
    : runtime_(runtime), access_(std::move(access)), silence_(silence) {}

Client::~Client() {
  cancel();
}

void Client::cancel() {
  if (exchange_) exchange_->cancel();
  exchange_.reset();
}

void Client::generate(const GenerationRequest& request, const std::string& idempotency_key,
                      Done done) {
  auto call = std::make_shared<Call>();
  const std::string address = access_.base.text + "/" + request.cell_path + "/generate";
  call->subject = {"the request for a generation", "an id in the request for a generation",
                   "Check sheet-id, cell-id, agent-id, asset-ids and sheet-route.", address,
                   access_.key};
  call->request.method = "POST";
  call->request.headers = {{"Idempotency-Key", idempotency_key}};
  call->request.json_body = request.body;
  // Ids need no escaping, see is_id().
  auto url = parse_url(address + "?agent_id=" + request.agent_id);
  call->request.url = std::move(*url);
  call->done = [subject = call->subject, done = std::move(done)](Result<HttpReply, Failure> reply) {
    if (!reply) return done(std::move(reply.error()));
    auto generation = parse_generation(reply->body);
    if (!generation) return done(failure_from_shape(*reply, generation.error(), subject));
    if (generation->id.empty()) {
      return done(failure_from_shape(*reply, "it has no generation_id", subject));
    }
    done(std::move(*generation));
  };
  send(std::move(call));
}

void Client::get_generation(const std::string& id, Done done) {
  ask_about("GET", id, "generation " + id, "", std::move(done));
}

void Client::stop_generation(const std::string& id, Done done) {
  ask_about("POST", id, "the request to stop generation " + id, "/stop", std::move(done));
}

void Client::ask_about(const char* method, const std::string& id, const std::string& what,
                       const std::string& suffix, Done done) {
  auto call = std::make_shared<Call>();
  const std::string address = access_.base.text + "/generations/" + id + suffix;
  call->subject = {what, "generation " + id,
                   "Check generation-id, and that the key is of its owner.", address, access_.key};
  call->request.method = method;
  auto url = parse_url(address);
  call->request.url = std::move(*url);
  call->done = [id, subject = call->subject,
                done = std::move(done)](Result<HttpReply, Failure> reply) {
    if (!reply) return done(std::move(reply.error()));
    auto generation = parse_generation(reply->body);
    if (!generation) return done(failure_from_shape(*reply, generation.error(), subject));
    if (generation->status.empty()) {
      return done(failure_from_shape(*reply, "it has no status", subject));
    }
    generation->id = id;
    done(std::move(*generation));
  };
  send(std::move(call));
}

void Client::get_cell_jobs(const std::string& cell_path, const std::string& agent_id,
                           JobsDone done) {
  auto call = std::make_shared<Call>();
  const std::string address = access_.base.text + "/" + cell_path;
  call->subject = {"the cell's generations", "the cell",
                   "Check sheet-id, cell-id, agent-id and sheet-route.", address, access_.key};
  call->request.method = "GET";
  auto url = parse_url(address + "?agent_id=" + agent_id);
  call->request.url = std::move(*url);
  call->done = [subject = call->subject, done = std::move(done)](Result<HttpReply, Failure> reply) {
    if (!reply) return done(std::move(reply.error()));
    auto jobs = parse_cell_jobs(reply->body);
    if (!jobs) return done(failure_from_shape(*reply, jobs.error(), subject));
    done(std::move(*jobs));
  };
  send(std::move(call));
}

void Client::send(std::shared_ptr<Call> call) {
  HttpRequest request = call->request;
  request.headers.emplace_back("X-API-Key", access_.key);
  cancel();
  exchange_ = Exchange::start(runtime_, request, silence_, [this, call](Exchange::Outcome outcome) {
    if (!outcome) {
      call->done(failure_from_transport(outcome.error(), call->subject));
    } else {
      on_reply(call, *outcome);
    }
  });
}

void Client::on_reply(const std::shared_ptr<Call>& call, const HttpReply& reply) {
  if (is_redirect(reply.status)) return follow(call, reply);
  if (reply.status < 200 || reply.status >= 300) {
    return call->done(failure_from_reply(reply, call->subject));
  }
  call->done(reply);
}

// Only within the API's origin: the key goes nowhere else, and without it there is nothing to ask.
void Client::follow(const std::shared_ptr<Call>& call, const HttpReply& reply) {
  auto target = resolve_url(call->request.url, reply.location);
  const bool keeps_method = reply.status == 307 || reply.status == 308;
  if (target && target->origin() == access_.base.origin() &&
      (call->request.method == "GET" || keeps_method) && call->redirects < max_redirects) {
    ++call->redirects;
    call->request.url = std::move(*target);
    return send(call);
  }
  Failure failure = failure_from_reply(reply, call->subject);
  failure.error.kind = ErrorKind::settings;
  failure.error.message =
      "The GEN API at " + call->subject.address + " redirects to " +
      one_line(redact(target ? target->without_query() : reply.location, access_.key), 120) +
      ", where the key is not sent. Set api-base-url to the address that the API itself has.";
  call->done(std::move(failure));
}

}  // namespace genpro::api
