// SPDX-License-Identifier: LGPL-2.1-or-later
#include "settings/profile.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "assets/ingredient.h"
#include "base/file_descriptor.h"
#include "base/text.h"
#include "ledger/store/address.h"
#include "settings/table.h"

namespace genpro {

namespace {

namespace fs = std::filesystem;
using KeyFilePtr = Owned<GKeyFile, g_key_file_unref>;

// Nobody writes more than that by hand.
constexpr std::size_t max_file_size = 1024 * 1024;
constexpr mode_t writable_by_others = S_IWGRP | S_IWOTH;
constexpr mode_t readable_by_others = S_IRGRP | S_IROTH;

constexpr std::pair<const char*, const char*> from_environment[] = {
    {"api-base-url", "GEN_API_BASE_URL"}, {"agent-id", "GEN_AGENT_ID"},
    {"sheet-id", "GEN_SHEET_ID"},         {"cell-id", "GEN_CELL_ID"},
    {"api-key", "GEN_API_KEY"},           {"archive", "GEN_ARCHIVE"},
};

constexpr const char* key_names[] = {"api-key", "api-key-file", "api-key-command"};

bool is_key_name(std::string_view name) {
  return std::ranges::find(key_names, name) != std::end(key_names);
}

Error file_error(const std::string& path, const std::string& problem) {
  return settings_error(one_line(path, 200) + " cannot be used: " + problem);
}

std::optional<Error> check_owner(const std::string& path, const struct stat& status) {
  if (status.st_uid == geteuid() || status.st_uid == 0) return std::nullopt;
  return file_error(path, "it belongs to another user. Make one of your own.");
}

std::string chmod_advice(const std::string& path) {
  return ". Say: chmod 600 '" + one_line(path, 200) + "'";
}

struct ConfigFile {
  std::string path;
  KeyFilePtr content;
  bool is_readable_by_others = false;
};

// Nothing when there is none.
Result<std::optional<ConfigFile>> read_config(const std::string& path) {
  // Non-blocking, since opening a pipe would wait for its writer.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<ConfigFile>();
    return file_error(path, std::string(g_strerror(errno)) + ".");
  }
  struct stat status {};
  if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return file_error(path, "it is not a regular file.");
  }
  if (auto error = check_owner(path, status)) return *std::move(error);
  if ((status.st_mode & writable_by_others) != 0) {
    return file_error(path, "others can write to it" + chmod_advice(path));
  }
  std::string text(max_file_size + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = read_some(file.get(), text.data() + size, text.size() - size);
    if (count < 0) return file_error(path, std::string(g_strerror(errno)) + ".");
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > max_file_size) return file_error(path, "it is larger than 1 MiB.");
  text.resize(size);

  ConfigFile config{path, KeyFilePtr(g_key_file_new()), (status.st_mode & readable_by_others) != 0};
  ErrorPtr error;
  // An empty text is a file without groups.
  if (!text.empty() && !g_key_file_load_from_data(config.content.get(), text.data(), text.size(),
                                                  G_KEY_FILE_KEEP_COMMENTS, error.out())) {
    return file_error(path, one_line(error.message()) + ".");
  }
  return std::optional(std::move(config));
}

std::vector<std::string> take_names(char** list) {
  const Owned<char*, g_strfreev> owned(list);
  std::vector<std::string> names;
  for (char** at = owned.get(); at != nullptr && *at != nullptr; ++at) names.emplace_back(*at);
  return names;
}

// A name without a folder, or one below the home folder, as a person writes it in such a file.
std::string full_path(const std::string& config, const std::string& name) {
  if (name.starts_with("~/")) return g_get_home_dir() + name.substr(1);
  return (fs::path(config).parent_path() / name).string();
}

// A list of ingredients, whose files are looked for there as well.
Result<std::string> full_ingredients(const std::string& config, const std::string& value) {
  const std::string folder = fs::path(config).parent_path().string();
  const auto ingredients = assets::parse_ingredients(value, folder.c_str());
  if (!ingredients) return ingredients.error();
  std::vector<std::string> entries;
  for (const auto& [path, id] : *ingredients) {
    const bool is_in_home = path.starts_with(folder + "/~/");
    entries.push_back(path.empty() ? id
                      : is_in_home ? full_path(config, path.substr(folder.size() + 1))
                                   : path);
  }
  return assets::join_ingredients(entries);
}

// The files that a setting names, which are looked for beside the configuration.
bool is_file_name(std::string_view setting) {
  return setting == "api-key-file" || setting == "archive" || setting == "ca-file" ||
         setting == "ledger";
}

// `where`: how the line is told of.
std::optional<Error> take_key(Settings& settings, const ConfigFile& config, const std::string& name,
                              const std::string& value, const std::string& where) {
  if (name == "api-key") {
    return settings_error(where +
                          ": a key does not stand in this file, which is copied and shown. Move it "
                          "into a file of its own that api-key-file names, or into a keyring that "
                          "api-key-command asks.");
  }
  if (config.is_readable_by_others) {
    return file_error(config.path, "it says where an API key is, and others can read it" +
                                       chmod_advice(config.path));
  }
  if (name == "api-key-file") {
    settings.api_key_file = full_path(config.path, value);
    return check_key_file(settings.api_key_file);
  }
  int count = 0;
  char** words = nullptr;
  ErrorPtr error;
  if (!g_shell_parse_argv(value.c_str(), &count, &words, error.out())) {
    return settings_error(where + " is no command: " + one_line(error.message()) + ".");
  }
  settings.key_command = take_names(words);
  return std::nullopt;
}

std::optional<Error> take_profile(Settings& settings, const ConfigFile& config,
                                  const std::string& profile) {
  const bool has_key = settings.is_set("api-key") || settings.is_set("api-key-file");
  bool has_key_here = false;
  std::vector<std::string> unknown;
  for (const std::string& name :
       take_names(g_key_file_get_keys(config.content.get(), profile.c_str(), nullptr, nullptr))) {
    const std::string where =
        one_line(name, 80) + " in [" + one_line(profile, 80) + "] of " + one_line(config.path, 200);
    if (!is_key_name(name) && (find_setting(name) == nullptr || name == "profile")) {
      unknown.push_back("\"" + one_line(name, 80) + "\"");
      continue;
    }
    ErrorPtr error;
    // The commas of ingredients are escaped in their own way.
    const auto read = name == "ingredients" ? g_key_file_get_value : g_key_file_get_string;
    const std::string value =
        take_string(read(config.content.get(), profile.c_str(), name.c_str(), error.out()));
    if (error) return settings_error(where + " cannot be read: " + one_line(error.message()) + ".");
    if (is_key_name(name)) {
      // What cannot be trusted is told also when it is not needed.
      Settings with_key = settings;
      if (auto problem = take_key(with_key, config, name, value, where)) return problem;
      if (has_key) continue;
      if (std::exchange(has_key_here, true)) {
        return settings_error("Both api-key-file and api-key-command stand in [" +
                              one_line(profile, 80) + "] of " + one_line(config.path, 200) +
                              ". Remove one of them.");
      }
      settings = std::move(with_key);
    } else if (!settings.is_set(name)) {
      Result<std::string> full = value;
      if (is_file_name(name) && !value.empty() && !ledger::is_server_address(value)) {
        full = full_path(config.path, value);
      }
      if (name == "ingredients") full = full_ingredients(config.path, value);
      auto problem = full ? set(settings, name, *full) : std::optional(full.error());
      if (problem) {
        problem->message = "In [" + one_line(profile, 80) + "] of " + one_line(config.path, 200) +
                           ", " + problem->message;
        return problem;
      }
    }
  }
  if (unknown.empty()) return std::nullopt;
  std::vector<std::string> names{"api-key-command"};
  for (const Setting& setting : settings_table()) {
    if (setting.name != std::string_view("api-key") &&
        setting.name != std::string_view("profile")) {
      names.emplace_back(setting.name);
    }
  }
  return settings_error(join(unknown, ", ", " and ") + " in [" + one_line(profile, 80) + "] of " +
                        one_line(config.path, 200) +
                        (unknown.size() == 1 ? " is no setting." : " are no settings.") +
                        " The settings are " + join(names, ", ", " and ") + ".");
}

}  // namespace

std::string config_path() {
  return take_string(g_build_filename(g_get_user_config_dir(), "genpro", "config", nullptr));
}

Result<bool> has_profile(const std::string& profile) {
  const auto config = read_config(config_path());
  if (!config) return config.error();
  return *config && g_key_file_has_group((*config)->content.get(), profile.c_str());
}

std::optional<Error> check_key_file(const std::string& path) {
  struct stat status {};
  // That there is none is told when it is read.
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  if (auto error = check_owner(path, status)) return error;
  if ((status.st_mode & (writable_by_others | readable_by_others)) == 0) return std::nullopt;
  return file_error(path, "it holds an API key, and others can read it" + chmod_advice(path));
}

std::optional<Error> complete(Settings& settings) {
  Settings completed = settings;
  for (const auto& [name, variable] : from_environment) {
    const char* value = g_getenv(variable);
    if (value == nullptr || *value == '\0' || completed.is_set(name)) continue;
    if (name == std::string_view("api-key") && completed.is_set("api-key-file")) continue;
    if (auto error = set(completed, name, value)) return error;
  }
  const std::string path = config_path();
  const std::string& profile = settings.profile;
  auto config = read_config(path);
  if (!config) return config.error();
  const std::string group = profile.empty() ? default_profile : profile;
  if (*config && g_key_file_has_group((*config)->content.get(), group.c_str())) {
    if (auto error = take_profile(completed, **config, group)) return error;
  } else if (!profile.empty()) {
    const auto groups = *config
                            ? take_names(g_key_file_get_groups((*config)->content.get(), nullptr))
                            : std::vector<std::string>();
    const std::string known =
        groups.empty() ? "there are none" : "there are " + join(groups, ", ", " and ");
    return settings_error("profile is \"" + one_line(profile, 80) + "\", but " +
                          one_line(known, 400) + " in " + one_line(path, 200) +
                          ". Name one of those, or make it with genpro init --profile.");
  }
  settings = std::move(completed);
  return std::nullopt;
}

std::string key_origin(const Settings& settings) {
  if (!settings.api_key.empty()) {
    const char* variable = g_getenv("GEN_API_KEY");
    return variable != nullptr && settings.api_key == variable ? "GEN_API_KEY" : "api-key";
  }
  if (!settings.api_key_file.empty()) return settings.api_key_file;
  return settings.key_command.empty() ? "" : "the program " + settings.key_command.front();
}

std::optional<Error> save_profile(const std::string& profile,
                                  const std::vector<std::pair<std::string, std::string>>& values) {
  // Through a link, which whoever keeps such files together has made.
  std::error_code ignored;
  const fs::path target = fs::canonical(config_path(), ignored);
  const std::string path = target.empty() ? config_path() : target.string();
  const auto not_written = [&path](const std::string& reason) {
    return file_error(path, "it cannot be written: " + reason + ".");
  };
  // A group's name stands in brackets on a line.
  if (profile.empty() || one_line(profile) != profile ||
      profile.find_first_of("[]") != std::string::npos) {
    return settings_error("profile is \"" + one_line(profile, 80) +
                          "\". Set it to a name without brackets.");
  }
  auto config = read_config(path);
  if (!config) return config.error();
  const KeyFilePtr fresh(g_key_file_new());
  GKeyFile* content = *config ? (*config)->content.get() : fresh.get();
  for (const auto& [name, value] : values) {
    if (value.empty()) {
      g_key_file_remove_key(content, profile.c_str(), name.c_str(), nullptr);
    } else {
      g_key_file_set_string(content, profile.c_str(), name.c_str(), value.c_str());
    }
  }
  const GCharPtr folder(g_path_get_dirname(path.c_str()));
  if (g_mkdir_with_parents(folder.get(), 0700) != 0) return not_written(g_strerror(errno));
  gsize length = 0;
  const GCharPtr text(g_key_file_to_data(content, &length, nullptr));
  ErrorPtr error;
  constexpr auto flags = static_cast<GFileSetContentsFlags>(G_FILE_SET_CONTENTS_CONSISTENT |
                                                            G_FILE_SET_CONTENTS_DURABLE);
  if (!g_file_set_contents_full(path.c_str(), text.get(), static_cast<gssize>(length), flags, 0600,
                                error.out())) {
    return not_written(one_line(error.message(), 200));
  }
  return std::nullopt;
}

}  // namespace genpro
