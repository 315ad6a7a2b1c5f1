// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/account.h"

#include "settings/job_settings.h"
#include "settings/table.h"

namespace genpro::cli {

namespace {

constexpr const char* account_options[] = {"profile", "api-base-url", "api-key-file",
                                           "proxy",   "ca-file",      "sheet-route"};

}  // namespace

void add_service_options(Options& options) {
  options.add_text("profile", "NAME", "Group of genpro/config in the XDG config folder (default)");
  options.add_text("api-base-url", "URL",
                   "Address of the API (GEN_API_BASE_URL, else https://api.gen.pro/v1)");
  options.add_text("api-key-file", "FILE", "File whose first line is the API's key (GEN_API_KEY)");
  options.add_text("proxy", "URL", "Proxy, instead of the system's");
  options.add_file("ca-file", "FILE",
                   "Certificates to trust instead of the system's, in PEM format");
}

void add_account_options(Options& options) {
  add_service_options(options);
  options.add_text("sheet-route", "WORD",
                   "Route word of the API's sheet calls (autocontentengine)");
}

Settings read_account_options(const Options& options) {
  Settings settings;
  for (const char* name : account_options) {
    const auto value = options.has(name) ? options.value(name) : std::nullopt;
    if (!value) continue;
    if (const auto error = set(settings, name, *value)) {
      throw UsageError(options.program(), "--" + error->message);
    }
  }
  return settings;
}

Account::Account(const Settings& settings)
    : route_(settings.sheet_route_word()),
      access_(need(make_access(settings))),
      silence_(std::chrono::seconds(settings.stall_timeout)) {}

template <typename T>
T Account::wait(const std::function<void(api::Client&, std::function<void(Answer<T>)>)>& call) {
  auto answer = run_to_end<Answer<T>>([&](Runtime& runtime, std::function<void(Answer<T>)> done) {
    auto client = std::make_unique<api::Client>(runtime, access_, silence_);
    call(*client, std::move(done));
    return client;
  });
  if (!answer) throw std::runtime_error(answer.error().error.message);
  return std::move(*answer);
}

std::vector<api::Named> Account::agents() {
  return wait<std::vector<api::Named>>(
      [](api::Client& client, auto done) { client.get_agents(std::move(done)); });
}

std::vector<api::Named> Account::sheets(const std::string& agent) {
  return wait<std::vector<api::Named>>(
      [&](api::Client& client, auto done) { client.get_sheets(route_, agent, std::move(done)); });
}

std::vector<api::SheetCell> Account::cells(const std::string& agent, const std::string& sheet) {
  return wait<std::vector<api::SheetCell>>([&](api::Client& client, auto done) {
    client.get_sheet(route_ + "/" + sheet, agent, std::move(done));
  });
}

void Account::check_cell(const std::string& agent, const std::string& sheet,
                         const std::string& cell) {
  wait<api::Cell>([&](api::Client& client, auto done) {
    client.get_cell(route_ + "/" + sheet + "/cells/" + cell, agent, std::move(done));
  });
}

}  // namespace genpro::cli
