// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The agents, sheets and cells that a key has access to, for subcommands that list them.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/client.h"
#include "cli/command.h"
#include "cli/options.h"
#include "settings/settings.h"

namespace genpro::cli {

// The options that say where the API is and how it is reached; with the route of its sheets.
void add_service_options(Options& options);
void add_account_options(Options& options);
// What they say. Throws UsageError.
Settings read_account_options(const Options& options);

// Calls that are waited for, one after the other. Each throws std::runtime_error when it fails.
class Account {
 public:
  // For settings that are complete; asks the program that has the key, if there is one.
  explicit Account(const Settings& settings);

  std::vector<api::Named> agents();
  std::vector<api::Named> sheets(const std::string& agent);
  std::vector<api::SheetCell> cells(const std::string& agent, const std::string& sheet);
  // Whether it is there, which a list need not tell.
  void check_cell(const std::string& agent, const std::string& sheet, const std::string& cell);

 private:
  template <typename T>
  using Answer = Result<T, api::Failure>;
  template <typename T>
  T wait(const std::function<void(api::Client&, std::function<void(Answer<T>)>)>& call);

  const std::string route_;
  const api::Access access_;
  const std::chrono::milliseconds silence_;
  const std::shared_ptr<Runtime> runtime_ = Runtime::acquire();  // with its connections
};

}  // namespace genpro::cli
