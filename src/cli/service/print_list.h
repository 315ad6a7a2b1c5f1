// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "cli/members.h"
#include "cli/options.h"
#include "cli/output.h"

namespace genpro::cli {

// With --json an array of what `describe` makes of each, else the text of them all.
template <typename Item, typename Describe, typename Text>
void print_list(const Options& options, const std::vector<Item>& items, Describe describe,
                Text text) {
  if (options.is_given("json")) return print_json(array_of(items, describe));
  print(text(items));
}

}  // namespace genpro::cli
