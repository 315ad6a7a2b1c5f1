// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/settings.h"

#include <array>
#include <variant>

#include "api/key.h"
#include "base/text.h"
#include "common/enums.h"
#include "gst/gst_ptr.h"

namespace genpro {

namespace {

constexpr std::uint64_t default_max_clip_size = std::uint64_t{4} << 30;

struct EnumMember {
  int Settings::*member;
  GType (*type)();
  int initial = 0;
};
struct UintMember {
  unsigned Settings::*member;
  unsigned minimum;
  unsigned maximum;
  unsigned initial;
};
struct SizeMember {
  std::uint64_t Settings::*member;
  std::uint64_t initial;
};
struct TextMember {
  std::string Settings::*member;
  const char* initial;
  bool readable = true;
  // An empty text is a value of its own, and null is the default.
  bool has_empty = false;
};

struct Property {
  const char* name;
  const char* nick;
  const char* blurb;
  std::variant<TextMember, EnumMember, UintMember, SizeMember> content;
};

// In the order in which tools list them: where, who, what, how long.
const std::array properties = {
    Property{"api-base-url", "API base URL",
             "Address of the GEN API; plain http to this machine only (default: GEN_API_BASE_URL, "
             "else https://api.gen.pro/v1)",
             TextMember{&Settings::api_base_url, api::default_base_url}},
    Property{"api-key", "API key",
             "Key of the GEN API, sent to the API's origin only and never readable (default: "
             "api-key-file, else GEN_API_KEY)",
             TextMember{&Settings::api_key, nullptr, false}},
    Property{"api-key-file", "API key file",
             "File whose first line is the key of the GEN API (default: none)",
             TextMember{&Settings::api_key_file, nullptr}},
    Property{"proxy", "Proxy",
             "Address of the proxy to the API and the clips, such as "
             "http://user:password@host:3128; read without its login (default: that of the "
             "environment or the desktop)",
             TextMember{&Settings::proxy, nullptr}},
    Property{"ca-file", "CA file",
             "File with the certificates (PEM) of the authorities that are trusted (default: the "
             "system's)",
             TextMember{&Settings::ca_file, nullptr}},
    Property{"sheet-route", "Sheet route",
             "Route word of the API's sheet calls (default: autocontentengine)",
             TextMember{&Settings::sheet_route, "autocontentengine"}},
    Property{"sheet-id", "Sheet id", "Id of the sheet; required (default: none)",
             TextMember{&Settings::sheet_id, nullptr}},
    Property{"cell-id", "Cell id", "Id of the sheet's cell; required (default: none)",
             TextMember{&Settings::cell_id, nullptr}},
    Property{"agent-id", "Agent id", "Id of the agent; required (default: none)",
             TextMember{&Settings::agent_id, nullptr}},
    Property{"prompt", "Prompt",
             "What the video shows, in words; may hold {{variable}}; required unless prompt-var or "
             "generation-id is set (default: none)",
             TextMember{&Settings::prompt, nullptr}},
    Property{"asset-ids", "Asset ids",
             "Ids of the ingredients, uploaded content resources, such as 501,502 (default: none)",
             TextMember{&Settings::asset_ids, nullptr}},
    Property{"model", "Model",
             "Model that makes the video; default: not sent, the cell decides (default: default)",
             EnumMember{&Settings::model, model_type}},
    Property{"aspect-ratio", "Aspect ratio",
             "Width to height of the video; default: not sent, the cell decides (default: default)",
             EnumMember{&Settings::aspect_ratio, aspect_ratio_type}},
    Property{
        "duration", "Duration",
        "Length of the video in seconds, at most 3600; 0: not sent, the cell decides (default: "
        "0)",
        UintMember{&Settings::duration, 0, G_MAXUINT, 0}},
    Property{"prompt-var", "Prompt variable",
             "Name of the variable that the service takes the prompt from (default: none)",
             TextMember{&Settings::prompt_var, nullptr}},
    Property{"content-resource-vars", "Content resource variables",
             "Names of the variables that the service takes ingredient ids from, such as "
             "product,logo (default: none)",
             TextMember{&Settings::content_resource_vars, nullptr}},
    Property{"variables", "Variables",
             "JSON object whose members fill {{name}} in the prompt; other names are left for the "
             "service (default: none)",
             TextMember{&Settings::variables, nullptr}},
    Property{"extra-data", "Extra data",
             "JSON object merged last into the request's data, for fields that have no property "
             "(default: none)",
             TextMember{&Settings::extra_data, nullptr}},
    Property{"generation-id", "Generation id",
             "Set: attach to this generation and ask for no new one. Read: the current generation "
             "(default: none)",
             TextMember{&Settings::generation_id, nullptr}},
    Property{"reuse", "Reuse",
             "Which earlier generation of the same request may serve this one (default: in-flight)",
             EnumMember{&Settings::reuse, reuse_type, static_cast<int>(job::Reuse::in_flight)}},
    Property{"on-shutdown", "On shutdown",
             "What becomes of an unfinished generation when the pipeline shuts down (default: "
             "stop)",
             EnumMember{&Settings::on_shutdown, on_shutdown_type, on_shutdown_stop}},
    Property{"when-in-doubt", "When in doubt",
             "What follows when it cannot be proven which generation a request has made (default: "
             "likely)",
             EnumMember{&Settings::when_in_doubt, when_in_doubt_type, when_in_doubt_likely}},
    Property{"ledger", "Ledger",
             "File that keeps account of paid generations, shared by all processes; empty: none, "
             "and a run that is killed may be paid for twice (default: genpro/ledger.db in the XDG "
             "state folder)",
             TextMember{&Settings::ledger, nullptr, true, true}},
    Property{"daily-generation-limit", "Daily generation limit",
             "New generations in 24 hours by this ledger and agent; 0: no limit (default: 0)",
             UintMember{&Settings::daily_generation_limit, 0, G_MAXUINT, 0}},
    Property{"generation-timeout", "Generation timeout",
             "Longest wait for the generation in seconds; 0: no limit (default: 3600)",
             UintMember{&Settings::generation_timeout, 0, G_MAXUINT, 3600}},
    Property{"poll-interval", "Poll interval",
             "Time between two questions for the status in milliseconds; 0: adaptive, 0.5 to 30 s "
             "(default: 0)",
             UintMember{&Settings::poll_interval, 0, G_MAXUINT, 0}},
    Property{"stall-timeout", "Stall timeout",
             "Time without any byte in seconds after which a connection is made anew (default: 15)",
             UintMember{&Settings::stall_timeout, 1, G_MAXUINT, 15}},
    Property{"retries", "Retries",
             "How often a failed step is tried again, with growing waits (default: 5)",
             UintMember{&Settings::retries, 0, G_MAXUINT, 5}},
    Property{"max-clip-size", "Maximum clip size",
             "Largest clip that is read, in bytes (default: 4294967296)",
             SizeMember{&Settings::max_clip_size, default_max_clip_size}},
};

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

GParamSpec* make_spec(const Property& property, GParamFlags mutability) {
  const auto flags =
      static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | mutability);
  const auto write_only =
      static_cast<GParamFlags>(G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | mutability);
  const char* name = property.name;
  const char* nick = property.nick;
  const char* blurb = property.blurb;
  return std::visit(
      Overloaded{
          [&](const TextMember& text) {
            return g_param_spec_string(name, nick, blurb, text.initial,
                                       text.readable ? flags : write_only);
          },
          [&](const EnumMember& choice) {
            return g_param_spec_enum(name, nick, blurb, choice.type(), choice.initial, flags);
          },
          [&](const UintMember& number) {
            return g_param_spec_uint(name, nick, blurb, number.minimum, number.maximum,
                                     number.initial, flags);
          },
          [&](const SizeMember& size) {
            return g_param_spec_uint64(name, nick, blurb, 1, G_MAXUINT64, size.initial, flags);
          },
      },
      property.content);
}

const Property* find_property(unsigned id) {
  return id >= 1 && id <= properties.size() ? &properties[id - 1] : nullptr;
}

std::string effective_base_url(const Settings& settings) {
  return settings.api_base_url.empty() ? api::base_url_from_environment() : settings.api_base_url;
}

http::Network network_of(const Settings& settings) {
  return {settings.proxy, settings.ca_file, settings.tls_interaction};
}

}  // namespace

const unsigned last_setting = properties.size();

std::string Settings::model_word() const {
  return service_word(model_type(), model);
}

void install_settings(GObjectClass* object_class, GParamFlags mutability) {
  for (unsigned index = 0; index < properties.size(); ++index) {
    g_object_class_install_property(object_class, index + 1,
                                    make_spec(properties[index], mutability));
  }
}

void install_generation_properties(GObjectClass* object_class, unsigned status, unsigned cost) {
  constexpr auto read_only = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property(
      object_class, status,
      g_param_spec_enum("status", "Status", "Where the generation stands (default: idle)",
                        status_type(), static_cast<int>(job::Status::idle), read_only));
  g_object_class_install_property(
      object_class, cost,
      g_param_spec_double("cost", "Cost",
                          "What the service said the generation cost, in its own unit; -1: not "
                          "known (default: -1)",
                          -1, G_MAXDOUBLE, -1, read_only));
}

bool set_setting(Settings& settings, unsigned id, const GValue* value) {
  const Property* property = find_property(id);
  if (property == nullptr) return false;
  std::visit(
      Overloaded{
          [&](const TextMember& text) {
            const char* content = g_value_get_string(value);
            settings.*text.member = content != nullptr ? content
                                    : text.has_empty   ? Settings().*text.member
                                                       : "";
          },
          [&](const EnumMember& choice) { settings.*choice.member = g_value_get_enum(value); },
          [&](const UintMember& number) { settings.*number.member = g_value_get_uint(value); },
          [&](const SizeMember& size) { settings.*size.member = g_value_get_uint64(value); },
      },
      property->content);
  return true;
}

bool get_setting(const Settings& settings, unsigned id, GValue* value) {
  const Property* property = find_property(id);
  if (property == nullptr) return false;
  std::visit(
      Overloaded{
          [&](const TextMember& text) {
            std::string content = settings.*text.member;
            if (text.member == &Settings::api_base_url) content = effective_base_url(settings);
            if (text.member == &Settings::proxy) content = http::without_login(content);
            const bool is_null = content.empty() && !text.has_empty;
            g_value_set_string(value, is_null ? nullptr : content.c_str());
          },
          [&](const EnumMember& choice) { g_value_set_enum(value, settings.*choice.member); },
          [&](const UintMember& number) { g_value_set_uint(value, settings.*number.member); },
          [&](const SizeMember& size) { g_value_set_uint64(value, settings.*size.member); },
      },
      property->content);
  return true;
}

ObjectPtr<GTlsInteraction> tls_interaction_of(GstElement* element) {
  const ContextPtr context(gst_element_get_context(element, "genpro.tls-interaction"));
  GTlsInteraction* interaction = nullptr;
  if (context) {
    gst_structure_get(gst_context_get_structure(context.get()), "tls-interaction",
                      G_TYPE_TLS_INTERACTION, &interaction, nullptr);
  }
  return ObjectPtr<GTlsInteraction>::adopt(interaction);
}

Result<job::JobSettings> make_job_settings(const Settings& settings) {
  job::JobSettings result;
  if (settings.generation_id.empty()) {
    auto request = api::make_request({
        .sheet_route = settings.sheet_route,
        .sheet_id = settings.sheet_id,
        .cell_id = settings.cell_id,
        .agent_id = settings.agent_id,
        .prompt = settings.prompt,
        .asset_ids = settings.asset_ids,
        .model = settings.model_word(),
        .aspect_ratio = service_word(aspect_ratio_type(), settings.aspect_ratio),
        .duration = settings.duration,
        .prompt_var = settings.prompt_var,
        .content_resource_vars = settings.content_resource_vars,
        .variables = settings.variables,
        .extra_data = settings.extra_data,
    });
    if (!request) return request.error();
    result.subject = std::move(*request);
  } else if (is_id(settings.generation_id)) {
    result.subject = settings.generation_id;
  } else {
    return settings_error("generation-id is \"" + one_line(settings.generation_id, 80) +
                          "\", which is no id. Ids have letters, digits, _ and - only.");
  }

  const auto key = api::find_key(settings.api_key, settings.api_key_file);
  if (!key) return key.error();
  auto access = api::make_access(effective_base_url(settings), *key);
  if (!access) return access.error();
  result.access = std::move(*access);
  result.access.network = network_of(settings);
  if (auto error = http::check_network(result.access.network)) return *std::move(error);
  result.silence = std::chrono::seconds(settings.stall_timeout);
  result.poll_interval = std::chrono::milliseconds(settings.poll_interval);
  result.generation_timeout = std::chrono::seconds(settings.generation_timeout);
  result.retries = settings.retries;
  result.ledger = settings.ledger;
  result.reuse = static_cast<job::Reuse>(settings.reuse);
  result.passed_over = settings.passed_over;
  result.stops = settings.on_shutdown == on_shutdown_stop;
  result.asks_when_in_doubt = settings.when_in_doubt == when_in_doubt_ask;
  result.daily_limit = settings.daily_generation_limit;
  if (result.daily_limit > 0 && result.ledger.empty() && settings.generation_id.empty()) {
    return settings_error(
        "daily-generation-limit is set, but ledger is empty, and without one nothing counts the "
        "generations. Set ledger to a file, or daily-generation-limit to 0.");
  }
  return result;
}

clip::ReaderSettings make_reader_settings(const Settings& settings, Url clip,
                                          std::size_t read_size) {
  clip::ReaderSettings result;
  result.url = std::move(clip);
  result.network = network_of(settings);
  result.stall_timeout = std::chrono::seconds(settings.stall_timeout);
  result.retries = settings.retries;
  result.max_size = settings.max_clip_size;
  result.read_size = read_size;
  return result;
}

}  // namespace genpro
