// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/identity.h"

#include <algorithm>
#include <array>
#include <utility>

#include "api/json.h"
#include "base/text.h"
#include "ledger/fingerprint.h"

namespace genpro::job {

namespace {

// What a request leaves out comes from these attributes of the cell, whose names differ. The
// contract's card has no others; a cell's value may change with each clip, and decides nothing.
constexpr std::array<std::pair<const char*, const char*>, 3> cell_defaults = {{
    {"model", "model"},
    {"aspect_ratio", "ratio"},
    {"duration", "duration"},
}};

void add_names(const std::string& prompt, std::vector<std::string>& names) {
  for (std::size_t open = prompt.find("{{"); open != std::string::npos;) {
    const std::size_t close = prompt.find("}}", open + 2);
    if (close == std::string::npos) return;
    const std::string name(trim(std::string_view(prompt).substr(open + 2, close - open - 2)));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    open = prompt.find("{{", close + 2);
  }
}

}  // namespace

ledger::Identity identify(const api::Access& access, const api::GenerationRequest& request,
                          std::string data) {
  std::optional<double> length;
  if (const auto body = api::parse_json_object(request.body)) {
    JsonObject* fields = api::as_object(api::member(body->get(), "data"));
    if (fields != nullptr) length = api::as_number(api::member(fields, "duration"));
  }
  return ledger::make_identity(access.base.text, request.cell_path, request.agent_id, request.model,
                               length, api::canonical_json(std::string_view(request.body)),
                               std::move(data));
}

LeftToService left_to_service(const api::GenerationRequest& request) {
  LeftToService left;
  const auto body = api::parse_json_object(request.body);
  JsonObject* data = body ? api::as_object(api::member(body->get(), "data")) : nullptr;
  if (data == nullptr) return left;
  for (const auto& [field, attribute] : cell_defaults) {
    if (api::member(data, field) == nullptr) left.defaults.emplace_back(attribute);
  }
  add_names(api::as_string(api::member(data, "prompt")).value_or(""), left.variables);
  if (const auto name = api::as_string(api::member(data, "prompt_var"))) {
    left.variables.push_back(*name);
  }
  JsonArray* names = api::as_array(api::member(data, "content_resource_vars"));
  for (guint index = 0; names != nullptr && index < json_array_get_length(names); ++index) {
    if (auto name = api::as_string(json_array_get_element(names, index))) {
      left.variables.push_back(std::move(*name));
    }
  }
  return left;
}

IdentityRequest::IdentityRequest(Runtime& runtime, const api::Access& access,
                                 std::chrono::milliseconds silence,
                                 const api::GenerationRequest& request, Done done)
    : access_(access),
      request_(request),
      left_(left_to_service(request)),
      done_(std::move(done)),
      client_(runtime, access, silence) {
  if (!left_.defaults.empty()) {
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
          // A column's title: what its row holds cannot be read.
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
