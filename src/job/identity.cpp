// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/identity.h"

#include <utility>

#include "api/json.h"
#include "ledger/identity/fingerprint.h"

namespace genpro::job {

ledger::Identity identify(const api::Access& access, const api::GenerationRequest& request,
                          std::string data) {
  return ledger::make_identity(access.base.text, request.cell_path, request.agent_id, request.model,
                               request.length, api::canonical_json(std::string_view(request.body)),
                               std::move(data));
}

IdentityRequest::IdentityRequest(Runtime& runtime, const api::Access& access,
                                 std::chrono::milliseconds silence,
                                 const api::GenerationRequest& request, Done done)
    : access_(access),
      request_(request),
      left_(request.left),
      done_(std::move(done)),
      client_(runtime, access, silence) {
  if (left_.is_unreadable) {
    timer_.start(std::chrono::milliseconds(0), [this] { finish(""); });
  } else if (!left_.defaults.empty()) {
    read_cell();
  } else if (!left_.variables.empty()) {
    read_variables();
  } else {
    timer_.start(std::chrono::milliseconds(0), [this] { finish("-"); });
  }
}

void IdentityRequest::read_cell() {
  client_.get_cell(request_.cell_path, request_.agent_id,
                   [this](const Result<api::Cell, api::Failure>& cell) { on_cell(cell); });
}

void IdentityRequest::on_cell(const Result<api::Cell, api::Failure>& cell) {
  if (!cell) return finish("");
  const auto defaults = api::parse_json_object(cell->defaults);
  JsonObject* attributes =
      defaults ? api::as_object(api::member(defaults->get(), "additional_attributes")) : nullptr;
  for (const std::string& name : left_.defaults) {
    JsonNode* value = attributes != nullptr ? api::member(attributes, name.c_str()) : nullptr;
    parts_.push_back(name);
    parts_.push_back(value != nullptr ? api::canonical_json(value) : "");
  }
  if (!left_.variables.empty()) return read_variables();
  finish(ledger::fingerprint(parts_));
}

void IdentityRequest::read_variables() {
  const std::string sheet = request_.cell_path.substr(0, request_.cell_path.find("/cells/"));
  client_.get_global_variables(
      sheet, request_.agent_id,
      [this](const Result<std::map<std::string, std::string>, api::Failure>& variables) {
        if (!variables) return finish("");
        for (const std::string& name : left_.variables) {
          const auto found = variables->find(name);
          // A variable that is the title of a column, whose value in the row cannot be read.
          if (found == variables->end()) return finish("");
          parts_.push_back(name);
          parts_.push_back(found->second);
        }
        finish(ledger::fingerprint(parts_));
      });
}

void IdentityRequest::finish(std::string data) {
  const Done done = std::move(done_);
  done(identify(access_, request_, std::move(data)));
}

}  // namespace genpro::job
