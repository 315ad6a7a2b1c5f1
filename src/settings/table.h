// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The settings by name: the one table that properties, options and files are made from.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "settings/settings.h"

namespace genpro {

struct Choice {
  const char* word;
  const char* meaning;
};

struct TextMember {
  std::string Settings::*member;
  const char* initial = nullptr;  // that stands for an empty text
  bool is_secret = false;
  // An empty text is a value of its own, and null is the default.
  bool has_empty = false;
};
struct ChoiceMember {
  std::string Settings::*member;
  std::span<const Choice> choices;
};
struct NumberMember {
  unsigned Settings::*member;
  unsigned minimum;
  unsigned maximum;
};
struct AmountMember {
  double Settings::*member;  // of credits, at least 0
  double maximum;
};
struct SizeMember {
  std::uint64_t Settings::*member;  // in bytes, at least 1
};
struct SwitchMember {
  bool Settings::*member;
};

struct Setting {
  const char* name;
  const char* nick;
  const char* blurb;
  std::variant<TextMember, ChoiceMember, NumberMember, AmountMember, SizeMember, SwitchMember>
      content;
  bool is_of_bytes = false;  // has no meaning for what plays the clip itself
};

// In the order in which tools list them. Lives as long as the process, and never changes.
std::span<const Setting> settings_table();
// Null when there is none.
const Setting* find_setting(std::string_view name);

// Keeps in mind that somebody has set it, or has taken a text back.
void note_set(Settings& settings, const Setting& setting);

// Sets what is called `name` to what `text` says. Changes nothing and fails with
// ErrorKind::settings when there is no such setting, or when it cannot be set to that; the message
// names the setting, and never holds a secret.
std::optional<Error> set(Settings& settings, std::string_view name, std::string_view text);
// What it is set to, as set() takes it; that of a secret, too.
std::string text_of(const Settings& settings, const Setting& setting);

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

}  // namespace genpro
