// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "emulator/api/fields.h"
#include "emulator/api/services.h"
#include "emulator/api/uploads.h"
#include "emulator/domain/sheets.h"
#include "emulator/domain/variables_import.h"

namespace genpro::emulator {

namespace {

constexpr std::size_t max_xlsx = 5 * 1024 * 1024;

Reply get_variables(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  agent_of(services, exchange.request);
  return Reply::json(200, views_of(services, exchange).variables(sheet.id));
}

Reply replace_variables(Services& services, const std::string& sheet, const std::string& agent,
                        const std::vector<Variable>& variables) {
  SheetChange change(services.store, services.generations, sheet, agent);
  services.store.set_variables(sheet, variables);
  change.commit();
  return Reply::json(200, Views(services.store, {}, services.faults).variables(sheet));
}

std::string read_text(const NewFile& file) {
  if (file.size() > TextBody::max_size) {
    throw validation_error("The file is larger than 1 MB. Import a smaller one.");
  }
  std::ifstream in(file.path(), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool is_zip(const NewFile& file) {
  char start[4] = {};
  std::ifstream(file.path(), std::ios::binary).read(start, sizeof start);
  return std::string_view(start, sizeof start) == "PK\x03\x04";
}

// Reads an XLSX file in a process of its own and answers when that is done.
Reply import_xlsx(Services& services, std::shared_ptr<BodyReader> upload, const std::string& path,
                  const std::string& sheet, const std::string& agent) {
  return Reply::when_ready([&services, upload, path, sheet, agent](const Reply::Respond& respond) {
    services.xlsx.convert(
        path, [&services, upload, sheet, agent, respond](const XlsxReader::Result& result) {
          Reply reply = answer_of([&] {
            if (!result.problem.empty()) {
              if (result.is_ours) throw ApiError(503, "xlsx_unavailable", result.problem);
              throw validation_error(result.problem);
            }
            return replace_variables(services, sheet, agent, variables_from_csv(result.csv));
          });
          if (result.is_busy) reply.headers.emplace_back("Retry-After", "1");
          respond(std::move(reply));
        });
  });
}

Reply import_variables(Services& services, Exchange& exchange) {
  const std::string sheet = sheet_of(services, exchange.request).id;
  // From the query only: what stands at the top of a body may be a variable of that name.
  const std::string agent = agent_of(services, exchange.request);
  auto* upload = dynamic_cast<UploadBody*>(exchange.body.get());
  if (upload == nullptr) {
    return replace_variables(services, sheet, agent, variables_from_text(exchange.json_text()));
  }
  if (!is_zip(upload->file())) {
    return replace_variables(services, sheet, agent,
                             variables_from_text(read_text(upload->file())));
  }
  if (upload->file().size() > max_xlsx) {
    throw validation_error("The XLSX file is larger than 5 MB. Import a smaller one, or CSV.");
  }
  const std::string path = upload->file().path();
  return import_xlsx(services, std::move(exchange.body), path, sheet, agent);
}

Variable variable_of(Services& services, const Request& request) {
  return found_in_sheet<Variable>(
      &Store::variable, services, sheet_of(services, request), "global variable",
      request.parameters.at(1),
      "GET its global_variables to see them; an import gives them new ids.");
}

// The key that the fields give to `variable`; another one must not have it.
std::string key_of(Services& services, const std::string& sheet, JsonObject* fields,
                   const Variable& variable) {
  std::string key;
  try {
    key = variable_key(required_text(fields, "key", "global_variable.key"));
  } catch (const std::invalid_argument& problem) {
    throw validation_error(std::string("global_variable.key cannot be used: ") + problem.what() +
                           ".");
  }
  if (key != variable.key && services.store.variable(sheet, key)) {
    throw validation_error("There is a global variable \"" + clean_label(key) + "\" in sheet " +
                           clean_label(sheet) +
                           " already. Change that one, or choose another key.");
  }
  return key;
}

std::string value_of(JsonNode* value) {
  const auto text = value != nullptr ? value_text(value, "global_variable.value") : std::nullopt;
  if (!text) {
    throw validation_error("global_variable.value must be a string, a number or a boolean.");
  }
  return *text;
}

Reply add_variable(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  const std::string agent = agent_of(services, exchange);
  const auto [body, fields] = wrapped_body(exchange, "global_variable");
  Variable variable;
  variable.key = key_of(services, sheet.id, fields, variable);
  variable.value = value_of(json_member(fields, "value"));
  if (services.store.count_variables(sheet.id) >= static_cast<std::int64_t>(max_variables)) {
    throw validation_error("A sheet has 10000 global variables at most. Delete some.");
  }
  SheetChange change(services.store, services.generations, sheet.id, agent);
  variable = services.store.add_variable(sheet.id, std::move(variable));
  change.commit();
  return Reply::json(201, views_of(services, exchange).variable(variable));
}

Reply update_variable(Services& services, Exchange& exchange) {
  Variable variable = variable_of(services, exchange.request);
  const std::string sheet = exchange.request.parameters.at(0);
  const std::string agent = agent_of(services, exchange);
  const auto [body, fields] = wrapped_body(exchange, "global_variable");
  const bool has_key = json_member(fields, "key") != nullptr;
  const bool has_value = json_object_has_member(fields, "value");
  if (!has_key && !has_value) {
    throw validation_error("global_variable has neither key nor value. Send what is to change.");
  }
  if (has_key) variable.key = key_of(services, sheet, fields, variable);
  if (has_value) variable.value = value_of(json_member(fields, "value"));
  SheetChange change(services.store, services.generations, sheet, agent);
  services.store.change_variable(sheet, variable);
  change.commit();
  return Reply::json(200, views_of(services, exchange).variable(variable));
}

Reply delete_variable(Services& services, Exchange& exchange) {
  const Variable variable = variable_of(services, exchange.request);
  const std::string sheet = exchange.request.parameters.at(0);
  const std::string agent = agent_of(services, exchange);
  SheetChange change(services.store, services.generations, sheet, agent);
  services.store.remove_variable(sheet, variable.id);
  change.commit();
  return Reply::json(204, {});
}

Reply get_template(Services&, Exchange&) {
  Reply reply;
  reply.content_type = xlsx_content_type;
  reply.headers.emplace_back("Content-Disposition",
                             "attachment; filename=\"global_variables.xlsx\"");
  reply.text = blank_xlsx();
  return reply;
}

}  // namespace

std::vector<Route> variable_routes() {
  return {
      // Before what takes its last word for the id of a sheet.
      {"GET", "v1/{sheet_route}/global_variables_template", BodyKind::ignored, &get_template},
      {"GET", "v1/{sheet_route}/{}/global_variables", BodyKind::ignored, &get_variables},
      {"POST", "v1/{sheet_route}/{}/global_variables", BodyKind::json, &add_variable},
      {"PATCH", "v1/{sheet_route}/{}/global_variables/{}", BodyKind::json, &update_variable},
      {"DELETE", "v1/{sheet_route}/{}/global_variables/{}", BodyKind::json, &delete_variable},
      {"POST", "v1/{sheet_route}/{}/import_global_variables", BodyKind::variables,
       &import_variables},
  };
}

}  // namespace genpro::emulator
