// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/settings.h"

#include <charconv>

#include "common/enums.h"
#include "common/number_specs.h"
#include "gst/gst_ptr.h"
#include "ledger/store/address.h"

namespace genpro {

namespace {

GParamSpec* make_spec(const Setting& setting, GParamFlags mutability) {
  const auto flags =
      static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | mutability);
  const auto write_only =
      static_cast<GParamFlags>(G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | mutability);
  const char* name = setting.name;
  const char* nick = setting.nick;
  const char* blurb = setting.blurb;
  const Settings initial;
  return std::visit(
      Overloaded{
          [&](const TextMember& text) {
            return g_param_spec_string(name, nick, blurb, text.initial,
                                       text.is_secret ? write_only : flags);
          },
          [&](const ChoiceMember&) {
            return g_param_spec_enum(name, nick, blurb, choice_type(setting), 0, flags);
          },
          [&](const NumberMember& number) {
            return make_uint_spec(name, nick, blurb, number.minimum, number.maximum,
                                  initial.*number.member, flags);
          },
          [&](const AmountMember& amount) {
            return make_double_spec(name, nick, blurb, 0, amount.maximum, initial.*amount.member,
                                    flags);
          },
          [&](const SizeMember& size) {
            return make_uint64_spec(name, nick, blurb, 1, G_MAXUINT64, initial.*size.member, flags);
          },
          [&](const SwitchMember& value) {
            return g_param_spec_boolean(name, nick, blurb, initial.*value.member, flags);
          },
      },
      setting.content);
}

std::string exact_text(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

const Setting* setting_of(unsigned id) {
  const auto table = settings_table();
  return id >= 1 && id <= table.size() ? &table[id - 1] : nullptr;
}

}  // namespace

unsigned last_setting() {
  return settings_table().size();
}

void install_settings(GObjectClass* object_class, GParamFlags mutability, bool gives_bytes) {
  for (unsigned id = 1; const Setting* setting = setting_of(id); ++id) {
    if (setting->is_of_bytes && !gives_bytes) continue;
    g_object_class_install_property(object_class, id, make_spec(*setting, mutability));
  }
}

void install_generation_properties(GObjectClass* object_class, unsigned first) {
  constexpr auto read_only = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property(
      object_class, first,
      g_param_spec_enum("status", "Status", "Where the generation stands (default: idle)",
                        status_type(), static_cast<int>(job::Status::idle), read_only));
  g_object_class_install_property(
      object_class, first + 1,
      g_param_spec_double("cost", "Cost",
                          "What the service said the generation cost, in its own unit; -1: not "
                          "known (default: -1)",
                          -1, G_MAXDOUBLE, -1, read_only));
  g_object_class_install_property(
      object_class, first + 2,
      g_param_spec_double("estimate", "Estimate",
                          "What a new generation is expected to cost, in credits, known once it is "
                          "about to be asked for; -1: not known (default: -1)",
                          -1, G_MAXDOUBLE, -1, read_only));
}

bool get_generation_property(const GenerationReport& report, const char* name, GValue* value) {
  const std::string_view property = name;
  if (property == "status") {
    g_value_set_enum(value, static_cast<int>(report.status));
  } else if (property == "cost") {
    g_value_set_double(value, report.cost);
  } else if (property == "estimate") {
    g_value_set_double(value, report.estimate);
  } else if (property == "generation-id" && !report.generation_id.empty()) {
    g_value_set_string(value, report.generation_id.c_str());
  } else {
    return false;
  }
  return true;
}

bool set_setting(Settings& settings, unsigned id, const GValue* value) {
  const Setting* setting = setting_of(id);
  if (setting == nullptr) return false;
  const auto take = [&](const std::string& number) {
    if (auto error = set(settings, setting->name, number)) {
      settings.refused[setting->name] = error->message;
      // No profile stands in for it.
      settings.given.emplace(setting->name);
    }
  };
  std::visit(Overloaded{
                 [&](const TextMember& text) {
                   const char* content = g_value_get_string(value);
                   settings.*text.member = content != nullptr ? content
                                           : text.has_empty   ? Settings().*text.member
                                                              : "";
                 },
                 [&](const ChoiceMember& choice) {
                   const auto index = static_cast<std::size_t>(g_value_get_enum(value));
                   settings.*choice.member = choice.choices[index].word;
                 },
                 [&](const NumberMember&) {
                   // GStreamer reads -1 as the greatest number of all, -2 as the one before.
                   constexpr guint as_negative = G_MAXUINT - 1'000'000;
                   const guint number = g_value_get_uint(value);
                   take(number > as_negative ? std::to_string(static_cast<gint>(number))
                                             : std::to_string(number));
                 },
                 [&](const AmountMember&) { take(exact_text(g_value_get_double(value))); },
                 [&](const SizeMember&) { take(std::to_string(g_value_get_uint64(value))); },
                 [&](const SwitchMember& content) {
                   settings.*content.member = g_value_get_boolean(value) != FALSE;
                 },
             },
             setting->content);
  if (!settings.refused.contains(setting->name)) note_set(settings, *setting);
  return true;
}

bool get_setting(const Settings& settings, unsigned id, GValue* value) {
  const Setting* setting = setting_of(id);
  if (setting == nullptr) return false;
  std::visit(
      Overloaded{
          [&](const TextMember& text) {
            std::string content = settings.*text.member;
            if (text.member == &Settings::api_base_url) content = effective_base_url(settings);
            if (text.member == &Settings::proxy) content = http::without_login(content);
            if (text.member == &Settings::ledger) content = ledger::without_password(content);
            const bool is_null = content.empty() && !text.has_empty;
            g_value_set_string(value, is_null ? nullptr : content.c_str());
          },
          [&](const ChoiceMember& choice) {
            g_value_set_enum(value, index_of(choice, settings.*choice.member));
          },
          [&](const NumberMember& number) { g_value_set_uint(value, settings.*number.member); },
          [&](const AmountMember& amount) { g_value_set_double(value, settings.*amount.member); },
          [&](const SizeMember& size) { g_value_set_uint64(value, settings.*size.member); },
          [&](const SwitchMember& content) {
            g_value_set_boolean(value, settings.*content.member);
          },
      },
      setting->content);
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

}  // namespace genpro
