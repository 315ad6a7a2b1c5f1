// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Global variables.
#include <fstream>
#include <iterator>

#include "emulator/api_error.h"
#include "emulator/failures.h"
#include "emulator/services.h"
#include "emulator/sheets.h"
#include "emulator/variables_import.h"

namespace genpro::emulator {

namespace {

constexpr std::size_t max_xlsx = 5 * 1024 * 1024;

Reply get_variables(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  agent_of(services, exchange.request);
  return Reply::json(200, views_of(services, exchange.request).variables(sheet.id));
}

Reply replace_variables(Services& services, const std::string& sheet, const std::string& agent,
                        const std::vector<Variable>& variables) {
  Store::Change change(services.store);
  Dependents dependents(services.store, sheet);
  services.store.set_variables(sheet, variables);
  dependents.generate_changed(services.generations, agent);
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
          respond(answer_of([&] {
            if (!result.problem.empty()) {
              if (result.is_ours) throw ApiError(503, "xlsx_unavailable", result.problem);
              throw validation_error(result.problem);
            }
            return replace_variables(services, sheet, agent, variables_from_csv(result.csv));
          }));
        });
  });
}

Reply import_variables(Services& services, Exchange& exchange) {
  const std::string sheet = sheet_of(services, exchange.request).id;
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

Reply get_template(Services&, Exchange&) {
  Reply reply;
  reply.content_type = xlsx_content_type;
  reply.headers.emplace_back("Content-Disposition",
                             "attachment; filename=\"global_variables.xlsx\"");
  reply.text = xlsx_with_header({"key", "value"});
  return reply;
}

}  // namespace

std::vector<Route> variable_routes() {
  return {
      // Before what takes its last word for the id of a sheet.
      {"GET", "v1/{sheet_route}/global_variables_template", BodyKind::ignored, &get_template},
      {"GET", "v1/{sheet_route}/{}/global_variables", BodyKind::ignored, &get_variables},
      {"POST", "v1/{sheet_route}/{}/import_global_variables", BodyKind::variables,
       &import_variables},
  };
}

}  // namespace genpro::emulator
