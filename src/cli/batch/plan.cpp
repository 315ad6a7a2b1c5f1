// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/batch/plan.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>

#include "api/json.h"
#include "api/variables.h"
#include "assets/ingredient.h"
#include "assets/uploader.h"
#include "base/text.h"
#include "cli/clip/output_file.h"
#include "cli/clip/setting_options.h"
#include "cli/json_text.h"
#include "cli/members.h"
#include "ledger/identity/fingerprint.h"
#include "ledger/identity/identity.h"
#include "payment/payment.h"
#include "settings/job_settings.h"
#include "settings/table.h"

namespace genpro::cli {

namespace {

namespace fs = std::filesystem;

// Of these it depends what the clip shows.
constexpr std::array request_settings = {
    "sheet-id",   "cell-id",       "agent-id", "prompt",     "ingredients",           "asset-ids",
    "model",      "aspect-ratio",  "duration", "prompt-var", "content-resource-vars", "variables",
    "extra-data", "generation-id",
};
// Likewise; one that is not set leaves the digest as it was before there was such a setting.
constexpr std::array later_request_settings = {"dialect",         "generation-type", "resolution",
                                               "negative-prompt", "native-audio",    "layer-id"};
// Of these a row has none of its own: there is one service and one ledger.
constexpr std::array common_settings = {"profile", "api-base-url", "api-key-file", "proxy",
                                        "ca-file", "ledger",       "archive"};

bool is_ingredient(std::string_view column) {
  constexpr std::string_view name = "ingredient";
  return column.starts_with(name) && column != "ingredients" &&
         column.find_first_not_of("0123456789 _-", name.size()) == std::string_view::npos;
}

std::string digest(const Settings& settings) {
  std::vector<std::string> parts;
  for (const char* name : request_settings) parts.push_back(text_of(settings, *find_setting(name)));
  for (const char* name : later_request_settings) {
    const std::string text = text_of(settings, *find_setting(name));
    if (text == text_of(Settings(), *find_setting(name))) continue;
    parts.emplace_back(name);
    parts.push_back(text);
  }
  return ledger::fingerprint(parts);
}

bool is_default(std::string_view text) {
  return text.empty() || text == "0" || text == "default";
}

// Of settings as a receipt has them. `text`: of a setting, by name.
std::string named_digest(const std::function<std::string(const char* name)>& text) {
  std::vector<std::string> parts;
  for (const char* name : request_settings) {
    std::string value = text(name);
    parts.push_back(is_default(value) ? "" : std::move(value));
  }
  for (const char* name : later_request_settings) parts.push_back(text(name));
  return ledger::fingerprint(parts);
}

std::string named_digest(const Settings& settings) {
  return named_digest([&](const char* name) { return text_of(settings, *find_setting(name)); });
}

// Of files it is what they hold: another one of the same name makes another clip.
std::string digest_of_contents(Settings settings, assets::Uploader& uploader) {
  if (settings.ingredients.empty()) return digest(settings);
  const auto ingredients = need(assets::parse_ingredients(settings.ingredients));
  std::vector<std::string> items;
  for (const auto& [path, id] : ingredients) {
    items.push_back(path.empty() ? id : "sha256-" + need(uploader.read({path}, {})).front().sha256);
  }
  settings.ingredients = join(items, ",");
  return digest(settings);
}

// The name of a file in the folder; empty when it is none.
std::string file_name(const std::string& text) {
  const fs::path path(text);
  if (path.filename() != path || text.starts_with('.')) return "";
  return path.has_extension() ? text : text + ".mp4";
}

std::string receipt_of(const std::string& output) {
  return output + ".json";
}

// Whether something is there that is no receipt, and so nothing to be replaced.
bool is_foreign(const std::string& output) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(receipt_of(output), ignored)) && !read_receipt(output);
}

std::string foreign_text(const std::string& output) {
  return one_line(receipt_of(output), 200) +
         " is there, and does not tell what a clip was made of. Rename it, or name another file in "
         "the column output.";
}

class Planner {
 public:
  Planner(const Settings& common, std::string folder, std::string base, std::size_t rows)
      : common_(common),
        folder_(std::move(folder)),
        base_(std::move(base)),
        digits_(std::max<std::size_t>(std::to_string(rows).size(), 4)) {}

  void add(const Row& row) {
    Task task;
    task.number = plan_.tasks.size() + 1;
    task.settings = common_;
    std::string name = std::to_string(task.number);
    name.insert(0, digits_ - std::min(digits_, name.size()), '0');
    name += ".mp4";
    std::vector<std::string> ingredients;
    std::map<std::string, std::string> variables;
    bool has_asset_ids = false;
    std::set<std::string> single;
    for (const auto& [column, value] : row.fields) {
      const bool is_list = is_ingredient(column) || column == "ingredients";
      if (!is_list && !single.insert(column).second) {
        fail(row, "has several values as \"" + one_line(column, 60) +
                      "\", which is one text: write ids and names with commas in between");
      }
      if (column == "output") {
        name = file_name(value);
        if (name.empty())
          fail(row, "has \"" + one_line(value, 80) +
                        "\" as output, which is no "
                        "name of a file in the folder");
      } else if (is_ingredient(column)) {
        ingredients.push_back(value);
      } else if (column == "ingredients") {
        auto items = assets::split_ingredients(value);
        if (!items) note_problem(task, items.error());
        if (items) ingredients.insert(ingredients.end(), items->begin(), items->end());
      } else if (find_setting(column) != nullptr) {
        has_asset_ids |= column == "asset-ids" && !trim(value).empty();
        set_column(row, column, value, task);
      } else {
        variables[column] = value;
      }
    }
    if (!outputs_.insert(name).second || !outputs_.insert(receipt_of(name)).second) {
      fail(row, "has the output " + one_line(name, 80) +
                    ", which another row has as well, as its clip or as what stands beside it "
                    "(a clip's name and .json)");
    }
    task.output = (fs::path(folder_) / name).string();
    try {
      if (!ingredients.empty() && has_asset_ids) {
        throw CommandError(settings_error(
            "ingredients and asset-ids are both set in this row. Set ingredients alone: it takes "
            "ids, too."));
      }
      if (!ingredients.empty()) set_ingredients(task.settings, ingredients, base_);
      fill(task, variables);
      check(task);
    } catch (const CommandError& error) {
      note_problem(task, error.what(), error.exit_code());
    } catch (const std::runtime_error& error) {
      note_problem(task, error.what(), exit_failed);
    }
    plan_.tasks.push_back(std::move(task));
  }

  Plan take() {
    for (const auto& [column, is_used] : variables_) {
      if (is_used) continue;
      plan_.warnings.push_back("The column \"" + one_line(column, 60) +
                               "\" is not used: it is no setting, and no prompt has {{" +
                               one_line(column, 60) + "}}.");
    }
    return std::move(plan_);
  }

 private:
  [[noreturn]] static void fail(const Row& row, const std::string& problem) {
    throw std::runtime_error("Line " + std::to_string(row.line) + " " + problem + ".");
  }

  // The first one is told.
  static void note_problem(Task& task, const std::string& problem, int exit_code) {
    if (!task.problem.empty()) return;
    task.problem = problem;
    task.exit_code = exit_code;
  }
  static void note_problem(Task& task, const Error& error) {
    note_problem(task, error.message, exit_code_of(error));
  }

  void set_column(const Row& row, const std::string& column, const std::string& value, Task& task) {
    if (column == "api-key") {
      fail(row,
           "has the API's key, which does not belong there: put it into a file and name that "
           "with --api-key-file, or into GEN_API_KEY");
    }
    if (std::ranges::find(common_settings, column) != common_settings.end()) {
      fail(row, "has the setting " + column + ", which is one for all rows: give --" + column);
    }
    if (column == "asset-ids") task.settings.ingredients.clear();
    if (const auto error = set(task.settings, column, value)) note_problem(task, *error);
  }

  // The row's variables come before those that are common.
  void fill(Task& task, const std::map<std::string, std::string>& variables) {
    const auto common = api::parse_variables(task.settings.variables);
    if (!common) return;  // make_job_settings() says what is wrong
    std::map<std::string, std::string> all = *common;
    bool is_any_used = false;
    for (const auto& [name, value] : variables) {
      const bool is_used =
          api::fill_variables(task.settings.prompt, {{name, ""}}) != task.settings.prompt;
      variables_[name] |= is_used;
      if (!is_used) continue;
      is_any_used = true;
      all[name] = value;
    }
    if (!is_any_used) return;
    Members members;
    for (const auto& [name, value] : all) members.set(name.c_str(), value);
    const api::JsonNodePtr object = members.take();
    task.settings.variables = api::canonical_json(object.get());
  }

  void check(Task& task) {
    std::error_code ignored;
    const bool is_there = fs::exists(fs::symlink_status(task.output, ignored));
    task.is_absent = !is_there;
    if (is_there) task.receipt = read_receipt(task.output);
    if (task.receipt && task.receipt->bytes &&
        *task.receipt->bytes != fs::file_size(task.output, ignored)) {
      task.receipt.reset();
      task.exit_code = exit_failed;
      task.problem = one_line(task.output, 200) +
                     " is not the clip that was written there: its size is another. Rename it to "
                     "have the row made anew, or name another file in the column output.";
      return;
    }
    if (!is_there && is_foreign(task.output)) {
      note_problem(task, foreign_text(task.output), exit_failed);
    }
    // Of a version that went by the names of files, which may be gone by now.
    if (task.receipt && task.receipt->request == digest(task.settings)) return;
    try {
      task.request = digest_of_contents(task.settings, uploader_);
    } catch (const std::runtime_error&) {
      // A file that has gone since says nothing against its clip.
      const bool is_known = task.receipt && !task.receipt->request.empty();
      if (is_known && task.receipt->named == named_digest(task.settings)) return;
      task.receipt.reset();
      throw;
    }
    if (is_there) {
      if (task.receipt && task.receipt->request == task.request) return;
      task.exit_code = exit_failed;
      task.problem = one_line(task.output, 200) +
                     (task.receipt ? " is the clip of another request"
                                   : " is there, and nothing tells what it was made of") +
                     ". Remove it, or name another file in the column output.";
      task.receipt.reset();
      return;
    }
    if (!task.problem.empty()) return;
    if (const auto settings = make_job_settings(task.settings); !settings) {
      note_problem(task, named_as_options(settings.error()));
    }
  }

  const Settings& common_;
  assets::Uploader uploader_{{.access = {}, .agent_id = {}, .ledger = common_.ledger}};
  const std::string folder_;
  const std::string base_;
  const std::size_t digits_;
  std::set<std::string> outputs_;          // and the receipts beside them
  std::map<std::string, bool> variables_;  // columns, and whether a prompt has them
  Plan plan_;
};

}  // namespace

std::string cell_of(const Task& task) {
  return std::string(plain_id(task.settings.sheet_id)) + "/" +
         std::string(plain_id(task.settings.cell_id));
}

std::string batch_of(const std::vector<Row>& rows, const Settings& common,
                     const std::string& name) {
  std::vector<std::string> parts = {"batch", name, ledger::service_of(effective_base_url(common)),
                                    named_digest(common), std::to_string(rows.size())};
  for (const Row& row : rows) {
    parts.push_back(std::to_string(row.fields.size()));
    for (const auto& [column, value] : row.fields) {
      parts.push_back(column);
      parts.push_back(value);
    }
  }
  return ledger::fingerprint(parts);
}

Plan make_plan(const std::vector<Row>& rows, const Settings& common, const std::string& folder,
               const std::string& base) {
  Planner planner(common, folder, base, rows.size());
  for (const Row& row : rows) planner.add(row);
  return planner.take();
}

std::string request_of(const Task& task) {
  assets::Uploader uploader({.access = {}, .agent_id = {}, .ledger = task.settings.ledger});
  try {
    return digest_of_contents(task.settings, uploader);
  } catch (const std::runtime_error&) {
    return {};
  }
}

void write_receipt(const Task& task, const Receipt& receipt) {
  if (is_foreign(task.output)) throw std::runtime_error(foreign_text(task.output));
  Members document;
  document.set("request", receipt.request);
  document.set("receipt_id", receipt.id);
  document.set("generation_id", receipt.generation_id);
  document.set("cost", receipt.cost);
  if (receipt.bytes) document.set("bytes", static_cast<std::int64_t>(*receipt.bytes));
  for (const char* name : request_settings) {
    const std::string text = text_of(task.settings, *find_setting(name));
    if (!is_default(text)) document.set(name, text);
  }
  for (const char* name : later_request_settings) {
    const std::string text = text_of(task.settings, *find_setting(name));
    if (text != text_of(Settings(), *find_setting(name))) document.set(name, text);
  }
  replace_file(receipt_of(task.output), json_text(document.take()));
}

void remove_receipt(const Task& task) {
  std::error_code ignored;
  fs::remove(receipt_of(task.output), ignored);
}

std::optional<Receipt> receipt_of_clip(const Task& task) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(task.output, error);
  auto receipt = error ? std::nullopt : read_receipt(task.output);
  const bool is_its_own = receipt && receipt->bytes == size && receipt->request == task.request;
  return is_its_own ? receipt : std::nullopt;
}

std::optional<Receipt> read_receipt(const std::string& output) {
  std::ifstream file(receipt_of(output), std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto object = api::parse_json_object(text);
  if (!object) return std::nullopt;
  const auto request = api::as_string(api::member(object->get(), "request"));
  const auto id = api::as_id(api::member(object->get(), "generation_id"));
  if (!request || !id) return std::nullopt;
  const std::string named = named_digest([&](const char* name) {
    const auto text = api::as_text(api::member(object->get(), name));
    return text ? *text : text_of(Settings(), *find_setting(name));
  });
  const auto cost =
      payment::told_cost(true, api::as_number(api::member(object->get(), "cost")), std::nullopt);
  const auto bytes = api::as_text(api::member(object->get(), "bytes"));
  const auto own_id = api::as_string(api::member(object->get(), "receipt_id"));
  return Receipt{
      *request,           *id, cost, named, bytes ? parse_unsigned(*bytes) : std::nullopt,
      own_id.value_or("")};
}

}  // namespace genpro::cli
