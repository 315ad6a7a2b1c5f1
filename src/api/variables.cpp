// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/variables.h"

#include "api/json.h"
#include "base/text.h"

namespace genpro::api {

Result<std::map<std::string, std::string>, std::string> parse_variables(std::string_view text) {
  std::map<std::string, std::string> variables;
  if (trim(text).empty()) return variables;
  const auto object = parse_exact_json_object(text);
  if (!object) return object.error();
  for (const auto& [name, node] : members(object->get())) {
    const auto value = as_text(node);
    if (!value) {
      return "the value of \"" + one_line(name, 60) + "\" is not a string, number or boolean";
    }
    variables[std::string(trim(name))] = *value;
  }
  return variables;
}

std::string fill_variables(std::string_view prompt,
                           const std::map<std::string, std::string>& variables) {
  std::string filled;
  while (true) {
    const std::size_t open = prompt.find("{{");
    const std::size_t close = prompt.find("}}", open == std::string_view::npos ? open : open + 2);
    if (open == std::string_view::npos || close == std::string_view::npos) {
      return filled.append(prompt);
    }
    const std::string name(trim(prompt.substr(open + 2, close - open - 2)));
    const auto found = variables.find(name);
    if (found == variables.end()) {
      // Only past the opening braces: in `{{a {{b}}` the second pair may still be a name.
      filled.append(prompt.substr(0, open + 2));
      prompt.remove_prefix(open + 2);
    } else {
      filled.append(prompt.substr(0, open)).append(found->second);
      prompt.remove_prefix(close + 2);
    }
  }
}

}  // namespace genpro::api
