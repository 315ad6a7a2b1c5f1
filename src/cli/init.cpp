// SPDX-License-Identifier: LGPL-2.1-or-later
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "api/key.h"
#include "base/text.h"
#include "cli/account.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "settings/job_settings.h"
#include "settings/profile.h"
#include "settings/table.h"

namespace genpro::cli {

namespace {

namespace fs = std::filesystem;

// What a person types is not shown while it lives.
class Hidden {
 public:
  Hidden() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    hidden.c_lflag |= ECHONL;
    is_set_ = tcsetattr(STDIN_FILENO, TCSADRAIN, &hidden) == 0;
  }
  ~Hidden() {
    if (is_set_) tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;

 private:
  termios before_{};
  bool is_set_ = false;
};

std::string ask(const std::string& question) {
  print(question + ": ");
  std::string line;
  if (!std::getline(std::cin, line)) {
    throw std::runtime_error("The input has ended before the last answer. Nothing was written.");
  }
  return std::string(trim(line));
}

struct Candidate {
  std::string id;
  std::string text;
};

// One of the choices, by its place or its id. `proposed`: what an empty answer stands for.
std::string choose(const std::string& what, const std::vector<Candidate>& choices,
                   const std::string& proposed) {
  for (std::size_t at = 0; at < choices.size(); ++at) {
    print("  " + std::to_string(at + 1) + ") " + what + " " + choices[at].id + "  " +
          one_line(choices[at].text, 60) + "\n");
  }
  while (true) {
    const std::string answer = ask("Which " + what + "? Its number or id" +
                                   (proposed.empty() ? "" : " [" + proposed + "]"));
    if (answer.empty() && !proposed.empty()) return proposed;
    const auto known = std::ranges::find(choices, answer, &Candidate::id);
    if (known != choices.end()) return known->id;
    const auto number = parse_unsigned(answer);
    if (number && *number >= 1 && *number <= choices.size()) return choices[*number - 1].id;
    // A list need not have all of them.
    if (is_id(answer) && !number) return answer;
    print("That is none of them.\n");
  }
}

std::vector<Candidate> candidates_of(const std::vector<api::Named>& entries) {
  std::vector<Candidate> choices;
  for (const api::Named& entry : entries) choices.push_back({entry.id, entry.name});
  return choices;
}

std::vector<Candidate> candidates_of(const std::vector<api::SheetCell>& cells) {
  std::vector<Candidate> choices;
  for (const api::SheetCell& cell : cells) {
    choices.push_back({cell.id, cell.column + ", row " + std::to_string(cell.row) +
                                    (cell.label.empty() ? "" : ": " + cell.label)});
  }
  return choices;
}

class Init {
 public:
  explicit Init(const Options& options)
      : options_(options), profile_(options.value("profile").value_or(default_profile)) {}

  void run() {
    read_settings();
    find_key();
    Account account(settings_);
    is_set_or_chosen("agent-id", "agent", settings_.agent_id,
                     [&] { return candidates_of(account.agents()); });
    is_set_or_chosen("sheet-id", "sheet", settings_.sheet_id,
                     [&] { return candidates_of(account.sheets(settings_.agent_id)); });
    is_set_or_chosen("cell-id", "cell", settings_.cell_id, [&] {
      return candidates_of(account.cells(settings_.agent_id, settings_.sheet_id));
    });
    account.check_cell(settings_.agent_id, settings_.sheet_id, settings_.cell_id);
    save();
  }

 private:
  // What the profile holds already, and the environment, are what is proposed.
  void read_settings() {
    settings_ = read_account_options(options_);
    for (const char* name : {"agent-id", "sheet-id", "cell-id"}) {
      if (const auto value = options_.value(name)) {
        if (!is_id(*value)) {
          throw UsageError(options_.program(), std::string("--") + name + " is \"" +
                                                   one_line(*value, 60) + "\", which is no id.");
        }
        set(settings_, name, *value);
        is_given_.insert(name);
      }
    }
    if (options_.is_given("api-key-file") && options_.is_given("api-key-command")) {
      throw UsageError(options_.program(),
                       "Give either --api-key-file or --api-key-command, not both.");
    }
    is_new_ = !need(has_profile(profile_));
    if (is_new_) settings_.profile.clear();
    if (const auto error = complete(settings_)) throw CommandError(*error);
    if (const auto command = options_.value("api-key-command")) use_command(*command);
    if (const auto file = options_.value("api-key-file")) use_file(full_path(*file));
  }

  // A person writes ~/ where no shell reads it.
  static std::string full_path(const std::string& name) {
    if (name.starts_with("~/")) return g_get_home_dir() + name.substr(1);
    return fs::absolute(name).string();
  }

  void use_command(const std::string& command) {
    int count = 0;
    char** words = nullptr;
    ErrorPtr error;
    if (!g_shell_parse_argv(command.c_str(), &count, &words, error.out())) {
      throw UsageError(options_.program(),
                       "--api-key-command is no command: " + one_line(error.message()) + ".");
    }
    const Owned<char*, g_strfreev> owned(words);
    settings_.key_command.assign(words, words + count);
    settings_.api_key.clear();
    settings_.api_key_file.clear();
    values_.emplace_back("api-key-command", command);
    values_.emplace_back("api-key-file", "");
  }

  void use_file(const std::string& path) {
    if (const auto error = check_key_file(path)) throw CommandError(*error);
    settings_.api_key_file = path;
    settings_.api_key.clear();
    settings_.key_command.clear();
    values_.emplace_back("api-key-file", path);
    values_.emplace_back("api-key-command", "");
  }

  void find_key() {
    if (!key_origin(settings_).empty()) return;
    if (!is_terminal_) throw CommandError(api::missing_error({"api-key"}));
    const std::string proposed = (fs::path(config_path()).parent_path() / "key").string();
    const std::string answer = ask("File with the API key [" + one_line(proposed, 200) + "]");
    const std::string path = answer.empty() ? proposed : full_path(answer);
    use_file(path);
    if (!fs::exists(path)) ask_key();
  }

  // It is in no file before the service has taken it.
  void ask_key() {
    const Hidden hidden;
    settings_.api_key = ask("It is not there yet. The API key, which is not shown");
    if (const auto error = api::check_key(settings_.api_key)) throw CommandError(*error);
    is_key_new_ = true;
  }

  void write_key() const {
    const std::string& path = settings_.api_key_file;
    const std::string folder = fs::path(path).parent_path().string();
    g_mkdir_with_parents(folder.c_str(), 0700);
    ErrorPtr error;
    if (!g_file_set_contents_full(path.c_str(), (settings_.api_key + "\n").c_str(), -1,
                                  G_FILE_SET_CONTENTS_CONSISTENT, 0600, error.out())) {
      throw std::runtime_error(one_line(path, 200) +
                               " cannot be written: " + one_line(error.message(), 200) + ".");
    }
  }

  template <typename List>
  void is_set_or_chosen(const char* name, const std::string& what, std::string& id,
                        const List& list) {
    if (is_given_.contains(name)) return;
    if (!is_terminal_ && !id.empty()) return;
    const std::vector<Candidate> choices = list();
    if (choices.size() == 1 && (id.empty() || id == choices.front().id)) {
      id = choices.front().id;
      print("The only " + what + " is " + id + "  " + one_line(choices.front().text, 60) + "\n");
    } else if (is_terminal_) {
      id = choose(what, choices, id);
    } else {
      throw UsageError(options_.program(), "There is no terminal to ask on which " + what +
                                               " is meant. Give --" + name +
                                               "; genpro whoami lists them.");
    }
  }

  // A new profile that has taken the key of the default one says so by itself.
  void name_key() {
    if (!is_new_ || !settings_.api_key.empty() || !values_.empty()) return;
    std::vector<std::string> words;
    for (const std::string& word : settings_.key_command) {
      words.push_back(take_string(g_shell_quote(word.c_str())));
    }
    values_.emplace_back("api-key-file", settings_.api_key_file);
    values_.emplace_back("api-key-command", join(words, " "));
  }

  void save() {
    name_key();
    values_.emplace_back("agent-id", settings_.agent_id);
    values_.emplace_back("sheet-id", settings_.sheet_id);
    values_.emplace_back("cell-id", settings_.cell_id);
    const std::string base_url = effective_base_url(settings_);
    values_.emplace_back("api-base-url", base_url == api::default_base_url ? "" : base_url);
    for (const char* name : {"sheet-route", "proxy"}) {
      if (const auto value = options_.value(name)) values_.emplace_back(name, *value);
    }
    if (const auto file = options_.value("ca-file")) {
      values_.emplace_back("ca-file", fs::absolute(*file).string());
    }
    if (is_key_new_) write_key();
    if (const auto error = save_profile(profile_, values_)) throw CommandError(*error);
    print("[" + one_line(profile_, 80) + "] of " + one_line(config_path(), 200) +
          " is written: agent " + settings_.agent_id + ", sheet " + settings_.sheet_id + ", cell " +
          settings_.cell_id + ".\n");
    if (!settings_.api_key.empty() && !is_key_new_) {
      print("The key in GEN_API_KEY is not: keep it set, or give --api-key-file.\n");
    }
  }

  const Options& options_;
  const std::string profile_;
  const bool is_terminal_ = isatty(STDIN_FILENO) != 0;
  bool is_new_ = false;
  bool is_key_new_ = false;  // it goes into the file that is named
  Settings settings_;
  std::set<std::string> is_given_;
  std::vector<std::pair<std::string, std::string>> values_;
};

}  // namespace

int run_init(int argc, char** argv, const Globals& /*globals*/) {
  Options options(argv[0], nullptr,
                  "Writes down who asks: an agent, a sheet and one of its cells, and where the API "
                  "key is. On a\nterminal it asks for what is not given.");
  add_account_options(options);
  options.add_text(
      "api-key-command", "COMMAND",
      "Program that prints the API's key, such as 'secret-tool lookup service gen.pro'");
  options.add_text("agent-id", "ID", "Id of the agent");
  options.add_text("sheet-id", "ID", "Id of the sheet");
  options.add_text("cell-id", "ID", "Id of the sheet's cell");
  options.add_description(
      "The elements and the other commands use it where nothing else is set. What else the file\n"
      "holds stays as it is. Nothing is written before the service has confirmed the cell.");
  if (!options.parse(argc, argv)) return exit_done;
  Init(options).run();
  return exit_done;
}

}  // namespace genpro::cli
