// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/app/options.h"

#include <cmath>
#include <cstring>
#include <fstream>

#include "emulator/domain/pricing.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

constexpr double max_latency = 24 * 60 * 60;
constexpr double max_credit = 1e9;
constexpr int max_workers = 64;
constexpr std::size_t max_key = 4096;

// Where GOption leaves its values, and their release.
struct Values {
  char* host = nullptr;
  int port = -1;
  char* api_key = nullptr;
  char* api_key_file = nullptr;
  char* data_dir = nullptr;
  double latency = 2;
  char* credit = nullptr;
  char* seed = nullptr;
  char* dialect = nullptr;
  int workers = 2;
  char** ingredients = nullptr;
  char** sheets = nullptr;
  char** cells = nullptr;
  char** agents = nullptr;
  char** faults = nullptr;
  char* fault_seed = nullptr;
  gboolean verbose = FALSE;

  Values() = default;
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;
  ~Values() {
    for (char* text : {host, api_key, api_key_file, data_dir, credit, seed, dialect, fault_seed})
      g_free(text);
    for (char** list : {ingredients, sheets, cells, agents, faults}) g_strfreev(list);
  }
};

void wipe_key(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    // What follows belongs to the command of exec.
    if (std::strcmp(argv[i], "--") == 0) return;
    if (std::strcmp(argv[i], "--api-key") == 0 && i + 1 < argc) {
      std::memset(argv[i + 1], 'x', std::strlen(argv[i + 1]));
      ++i;
    } else if (std::strncmp(argv[i], "--api-key=", 10) == 0) {
      std::memset(argv[i] + 10, 'x', std::strlen(argv[i] + 10));
    }
  }
}

void check_key(const std::string& key, const char* source) {
  if (key.empty()) throw UsageError(std::string("The key of ") + source + " is empty.");
  if (key.size() > max_key) throw UsageError(std::string("The key of ") + source + " is too long.");
  for (const char c : key) {
    if (!g_ascii_isgraph(c)) {
      throw UsageError(
          std::string("The key of ") + source +
          " holds a space, a line break or a character that no HTTP header can carry.");
    }
  }
}

std::string read_key_file(const char* path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) {
    throw std::runtime_error(std::string("The key file ") + path +
                             " cannot be read or is empty. Its first line must be the key.");
  }
  return std::string(trim(line));
}

void add_ids(char** given, const char* option, std::set<std::string>& known) {
  for (char** id = given; id != nullptr && *id != nullptr; ++id) {
    const std::string text = *id;
    for (const char c : text) {
      if (!g_ascii_isalnum(c) && c != '_' && c != '-') {
        throw UsageError(std::string(option) + " " + text +
                         " is no id: ids are made of letters, digits, _ and -.");
      }
    }
    if (text.empty()) throw UsageError(std::string(option) + " must not be empty.");
    if (is_too_large_id(text)) {
      throw UsageError(std::string(option) + " " + text + " is too large: the largest number is " +
                       std::to_string(max_given_id) + ".");
    }
    known.insert(text);
  }
}

void take_text(const char* given, const char* option, std::string& setting) {
  if (given == nullptr) return;
  if (*given == '\0') throw UsageError(std::string(option) + " must not be empty.");
  setting = given;
}

void check_number(double value, double most, const char* option) {
  if (!std::isfinite(value) || value < 0 || value > most) {
    throw UsageError(std::string(option) + " must be a number from 0 to " +
                     std::to_string(static_cast<long>(most)) + ".");
  }
}

std::vector<GOptionEntry> entries_of(Subcommand subcommand, Values& v) {
  std::vector<GOptionEntry> entries;
  if (subcommand == Subcommand::serve) {
    entries.push_back({"host", 0, 0, G_OPTION_ARG_STRING, &v.host,
                       "Address to listen on (127.0.0.1); others than loopback need a key",
                       "HOST"});
    entries.push_back(
        {"port", 0, 0, G_OPTION_ARG_INT, &v.port, "Port to listen on; 0: any free one", "PORT"});
  }
  const std::vector<GOptionEntry> common{
      {"api-key", 0, 0, G_OPTION_ARG_STRING, &v.api_key,
       subcommand == Subcommand::serve ? "Key that clients must send; without, any or none will do"
                                       : "Key for the command (a random one)",
       "KEY"},
      {"api-key-file", 0, 0, G_OPTION_ARG_FILENAME, &v.api_key_file,
       "File whose first line is the key", "FILE"},
      {"data-dir", 0, 0, G_OPTION_ARG_FILENAME, &v.data_dir,
       "Folder for everything that is kept (a temporary one that goes with the program)", "DIR"},
      {"latency", 0, 0, G_OPTION_ARG_DOUBLE, &v.latency, "Least time from pending to completed (2)",
       "SECONDS"},
      {"workers", 0, 0, G_OPTION_ARG_INT, &v.workers, "Clips rendered at once (2)", "NUMBER"},
      {"credit", 0, 0, G_OPTION_ARG_STRING, &v.credit, "Credits of a new store (1000)", "CREDITS"},
      {"seed", 0, 0, G_OPTION_ARG_FILENAME, &v.seed,
       "JSON file that fills a new store; see examples/seed.json", "FILE"},
      {"dialect", 0, 0, G_OPTION_ARG_STRING, &v.dialect,
       "Contracts to speak: seed, today: vidsheet and actions, or both (both)", "NAME"},
      {"ingredient", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &v.ingredients,
       "File to upload at the start, repeatable; ids count up from 501", "FILE"},
      {"sheet", 0, 0, G_OPTION_ARG_STRING_ARRAY, &v.sheets,
       "Sheet that exists besides 101, repeatable", "ID"},
      {"cell", 0, 0, G_OPTION_ARG_STRING_ARRAY, &v.cells,
       "Cell that exists besides 3300, repeatable", "ID"},
      {"agent", 0, 0, G_OPTION_ARG_STRING_ARRAY, &v.agents,
       "Agent that exists besides 42, repeatable", "ID"},
      {"fault", 0, 0, G_OPTION_ARG_STRING_ARRAY, &v.faults,
       "Fault to switch on, repeatable; a wrong name lists them all", "NAME[=VALUE]"},
      {"fault-seed", 0, 0, G_OPTION_ARG_STRING, &v.fault_seed,
       "Makes what faults do by chance repeatable", "NUMBER"},
      {"verbose", 'v', 0, G_OPTION_ARG_NONE, &v.verbose, "Log requests to standard error", nullptr},
  };
  entries.insert(entries.end(), common.begin(), common.end());
  entries.push_back({});
  return entries;
}

std::vector<FaultChoice> read_faults(char** given) {
  std::vector<FaultChoice> choices;
  // Only to find out what is wrong before anything starts.
  Faults trial(all_model_names());
  for (char** word = given; word != nullptr && *word != nullptr; ++word) {
    const std::string text = *word;
    const auto equals = text.find('=');
    FaultChoice choice{text.substr(0, equals), {}};
    if (equals != std::string::npos) choice.second = text.substr(equals + 1);
    for (const auto& earlier : choices) {
      if (earlier.first != choice.first) continue;
      throw UsageError("--fault " + choice.first +
                       " is given twice. Put all of it into one value, with commas where the "
                       "fault takes a list.");
    }
    try {
      trial.set(choice.first, choice.second);
    } catch (const FaultError& error) {
      throw UsageError(std::string("--fault: ") + error.what());
    }
    choices.push_back(std::move(choice));
  }
  return choices;
}

std::int64_t read_fault_seed(const char* text) {
  const auto seed = parse_digits(text);
  if (!seed || *seed > max_fault_seed) {
    throw UsageError("--fault-seed must be a whole number from 0 to " +
                     std::to_string(max_fault_seed) + ".");
  }
  return *seed;
}

Dialect read_dialect(const char* word) {
  const std::string text = word != nullptr ? word : "both";
  if (text == "seed") return Dialect::seed;
  if (text == "today") return Dialect::today;
  if (text != "both") throw UsageError("--dialect must be seed, today or both.");
  return Dialect::both;
}

std::string read_key(const Values& v) {
  if (v.api_key != nullptr && v.api_key_file != nullptr) {
    throw UsageError("Give either --api-key or --api-key-file, not both.");
  }
  if (v.api_key != nullptr) {
    check_key(v.api_key, "--api-key");
    return v.api_key;
  }
  if (v.api_key_file == nullptr) return {};
  const std::string key = read_key_file(v.api_key_file);
  check_key(key, "--api-key-file");
  return key;
}

}  // namespace

Options read_options(Subcommand subcommand, int argc, char** argv) {
  const bool serve = subcommand == Subcommand::serve;
  std::vector<char*> words;
  std::vector<GCharPtr> copies;
  for (int i = 0; i < argc; ++i) {
    copies.emplace_back(g_strdup(argv[i]));
    words.push_back(copies.back().get());
  }
  words.push_back(nullptr);
  wipe_key(argc, argv);

  Values v;
  const auto entries = entries_of(subcommand, v);
  const Owned<GOptionContext, g_option_context_free> context(
      g_option_context_new(serve ? nullptr : "-- COMMAND [ARGUMENT…]"));
  g_option_context_set_summary(
      context.get(),
      serve ? "Serves the GEN API on this machine until it is stopped."
            : "Runs COMMAND with GEN_API_BASE_URL and GEN_API_KEY set to an emulator of its own.");
  g_option_context_add_main_entries(context.get(), entries.data(), nullptr);
  // What follows the first word that is no option belongs to the command.
  g_option_context_set_strict_posix(context.get(), !serve);
  g_set_prgname(serve ? "genpro-emulator serve" : "genpro-emulator exec");
  int count = argc;
  char** parsed = words.data();
  ErrorPtr error;
  if (!g_option_context_parse(context.get(), &count, &parsed, error.out())) {
    throw UsageError(error.message() + ".");
  }

  Options options;
  for (int i = 1; i < count; ++i) options.command.emplace_back(parsed[i]);
  if (!options.command.empty() && options.command.front() == "--") {
    options.command.erase(options.command.begin());
  }
  if (serve && !options.command.empty()) {
    throw UsageError("serve takes no argument \"" + options.command.front() + "\".");
  }
  if (!serve && options.command.empty()) {
    throw UsageError("exec needs a command: genpro-emulator exec [options] -- COMMAND ….");
  }
  EmulatorSettings& settings = options.settings;
  if (serve) {
    if (v.port < 0 || v.port > 65535) {
      throw UsageError("serve needs --port with a number from 0 to 65535; 0 takes any free one.");
    }
    settings.port = static_cast<std::uint16_t>(v.port);
  }
  take_text(v.host, "--host", settings.host);
  settings.api_key = read_key(v);
  take_text(v.data_dir, "--data-dir", settings.data_dir);
  check_number(v.latency, max_latency, "--latency");
  settings.latency = v.latency;
  if (v.credit != nullptr) {
    char* end = nullptr;
    const double credit = g_ascii_strtod(v.credit, &end);
    check_number(end != v.credit && *end == '\0' ? credit : -1, max_credit, "--credit");
    settings.credit = credit;
  }
  if (v.workers < 1 || v.workers > max_workers) {
    throw UsageError("--workers must be a number from 1 to 64.");
  }
  settings.renderer.slots = static_cast<unsigned>(v.workers);
  take_text(v.seed, "--seed", settings.seed);
  settings.dialect = read_dialect(v.dialect);
  add_ids(v.sheets, "--sheet", settings.known.sheets);
  add_ids(v.cells, "--cell", settings.known.cells);
  add_ids(v.agents, "--agent", settings.known.agents);
  settings.faults = read_faults(v.faults);
  if (v.fault_seed != nullptr) settings.fault_seed = read_fault_seed(v.fault_seed);
  settings.verbose = settings.renderer.verbose = v.verbose != FALSE;
  if (!settings.verbose) {
    // A library that complains about a client must not write into the output of exec's command.
    g_log_set_writer_func(
        [](GLogLevelFlags, const GLogField*, gsize, gpointer) { return G_LOG_WRITER_HANDLED; },
        nullptr, nullptr);
  }
  for (char** file = v.ingredients; file != nullptr && *file != nullptr; ++file) {
    options.ingredients.emplace_back(*file);
  }
  return options;
}

std::vector<OptionText> option_texts(Subcommand subcommand) {
  Values values;
  std::vector<OptionText> texts;
  for (const GOptionEntry& entry : entries_of(subcommand, values)) {
    if (entry.long_name == nullptr) break;
    texts.push_back({entry.long_name, entry.short_name,
                     entry.arg_description != nullptr ? entry.arg_description : "",
                     entry.description});
  }
  return texts;
}

std::string make_temporary_folder() {
  ErrorPtr error;
  const GCharPtr path(g_dir_make_tmp("genpro-emulator-XXXXXX", error.out()));
  if (!path) {
    throw std::runtime_error("No temporary folder can be made: " + error.message() +
                             ". Set TMPDIR or give --data-dir.");
  }
  return path.get();
}

}  // namespace genpro::emulator
