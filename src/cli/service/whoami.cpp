// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.h"
#include "cli/account.h"
#include "cli/commands.h"
#include "cli/members.h"
#include "cli/output.h"
#include "settings/job_settings.h"
#include "settings/profile.h"

namespace genpro::cli {

namespace {

std::string label(const std::string& text) {
  const std::string line = one_line(text, 60);
  return line.empty() ? "" : "  " + line;
}

// What is chosen below an entry: nothing, where another entry is chosen, which may have below it
// what has the same id.
std::string chosen_below(const std::string& id, const std::string& chosen,
                         const std::string& below) {
  return chosen.empty() || plain_id(id) == plain_id(chosen) ? below : "";
}

// A tree that is printed as it grows. What is below an entry cannot be read more than once.
class Tree {
 public:
  explicit Tree(const Settings& settings) : settings_(settings), account_(settings) {}

  void print_agents() {
    const std::vector<api::Named> agents = account_.agents();
    if (agents.empty()) print("The key reaches no agent. Make one at gen.pro.\n");
    for (const api::Named& agent : agents) {
      print("agent " + agent.id + label(agent.name) + mark(agent.id, settings_.agent_id) + "\n");
      branch(
          "", [&] { return account_.sheets(agent.id); },
          [&](const api::Named& sheet, const std::string& indent) {
            const auto chosen = [&](const std::string& below) {
              return chosen_below(agent.id, settings_.agent_id, below);
            };
            print("sheet " + sheet.id + label(sheet.name) +
                  mark(sheet.id, chosen(settings_.sheet_id)) + "\n");
            const std::string cell = chosen_below(sheet.id, settings_.sheet_id, settings_.cell_id);
            print_cells(agent.id, sheet.id, chosen(cell), indent);
          });
    }
  }
  bool has_failed() const { return has_failed_; }

 private:
  void print_cells(const std::string& agent, const std::string& sheet, const std::string& chosen,
                   const std::string& indent) {
    branch(
        indent, [&] { return account_.cells(agent, sheet); },
        [&](const api::SheetCell& cell, const std::string& /*indent*/) {
          print("cell " + cell.id + label(cell.column) +
                label("row " + std::to_string(cell.row) +
                      (cell.label.empty() ? "" : ": " + cell.label)) +
                mark(cell.id, chosen) + "\n");
        });
  }

  // What cannot be read leaves a gap, and the rest is shown all the same.
  template <typename List, typename Show>
  void branch(const std::string& indent, const List& list, const Show& show) {
    decltype(list()) entries;
    try {
      entries = list();
    } catch (const std::runtime_error& error) {
      has_failed_ = true;
      print(indent + "└─ " + one_line(error.what(), 400) + "\n");
      return;
    }
    for (std::size_t at = 0; at < entries.size(); ++at) {
      const bool is_last = at + 1 == entries.size();
      print(indent + (is_last ? "└─ " : "├─ "));
      show(entries[at], indent + (is_last ? "   " : "│  "));
    }
  }

  static std::string mark(const std::string& id, const std::string& chosen) {
    return plain_id(id) == plain_id(chosen) ? "  *" : "";
  }

  const Settings& settings_;
  Account account_;
  bool has_failed_ = false;
};

// The same as a document. What cannot be read is null, and an error stands beside it.
class Document {
 public:
  explicit Document(const Settings& settings) : settings_(settings), account_(settings) {}

  api::JsonNodePtr make() {
    Members document;
    document.set("api_base_url", effective_base_url(settings_));
    document.set("key_from", key_origin(settings_));
    document.set("agents", array_of(account_.agents(), [this](const api::Named& agent) {
                   Members one = entry(agent.id, "name", agent.name, settings_.agent_id);
                   set_list(
                       one, "sheets", [&] { return account_.sheets(agent.id); },
                       [&](const api::Named& sheet) { return sheet_of(agent.id, sheet); });
                   return one.take();
                 }));
    return document.take();
  }
  bool has_failed() const { return has_failed_; }

 private:
  api::JsonNodePtr sheet_of(const std::string& agent, const api::Named& sheet) {
    const auto chosen = [&](const std::string& below) {
      return chosen_below(agent, settings_.agent_id, below);
    };
    Members one = entry(sheet.id, "name", sheet.name, chosen(settings_.sheet_id));
    const std::string chosen_cell =
        chosen(chosen_below(sheet.id, settings_.sheet_id, settings_.cell_id));
    set_list(
        one, "cells", [&] { return account_.cells(agent, sheet.id); },
        [&](const api::SheetCell& cell) {
          Members member = entry(cell.id, "label", cell.label, chosen_cell);
          member.set_or_null("column", cell.column);
          member.set("row", static_cast<std::int64_t>(cell.row));
          return member.take();
        });
    return one.take();
  }

  static Members entry(const std::string& id, const char* name, const std::string& text,
                       const std::string& chosen) {
    Members members;
    members.set("id", id);
    members.set_or_null(name, text);
    members.set("is_used", plain_id(id) == plain_id(chosen));
    return members;
  }

  template <typename List, typename Describe>
  void set_list(Members& members, const char* name, const List& list, const Describe& describe) {
    try {
      members.set(name, array_of(list(), describe));
    } catch (const std::runtime_error& error) {
      has_failed_ = true;
      members.set_or_null(name, "");
      members.set("error", error.what());
    }
  }

  const Settings& settings_;
  Account account_;
  bool has_failed_ = false;
};

}  // namespace

int run_whoami(int argc, char** argv, const Globals& /*globals*/) {
  Options options(argv[0], nullptr,
                  "Shows where the API is, where its key comes from, and the agents, sheets and "
                  "cells that the key\nreaches.");
  add_account_options(options);
  options.add_flag("json", "Print a JSON object");
  options.add_description("What a generation would use is marked with *.");
  if (!options.parse(argc, argv)) return exit_done;

  Settings settings = read_account_options(options);
  if (const auto error = complete(settings)) throw CommandError(*error);
  if (options.is_given("json")) {
    Document document(settings);
    print_json(document.make());
    return document.has_failed() ? exit_failed : exit_done;
  }
  Tree tree(settings);
  print("API   " + one_line(effective_base_url(settings)) + "\nkey   from " +
        one_line(key_origin(settings)) + "\n");
  tree.print_agents();
  return tree.has_failed() ? exit_failed : exit_done;
}

}  // namespace genpro::cli
