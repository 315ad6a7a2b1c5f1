// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a request is made from besides its own body: the cell that it is for, and the sheet's
// variables.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace genpro::api {

struct Cell {
  std::string id;  // empty when the answer has none
  // The ids of `user_jobs`, each once, in the order of the list. `default_user_job` is one of them
  // or none, and is not looked at.
  std::vector<std::string> jobs;
  // False when an entry of `user_jobs` has no id that can be read. Such a list proves nothing by
  // what it lacks.
  bool is_whole = true;
  // What a request without a field of its own is filled from: `additional_attributes` and `value`,
  // as far as the cell has them, in canonical JSON. Empty when it has neither.
  std::string defaults;
};

// Reads the answer of GET for a cell. The error is a fragment that says what is wrong; a cell
// without a list of `user_jobs` is one that cannot be read.
Result<Cell, std::string> parse_cell(std::string_view body);

// Reads the answer of GET for a sheet's global variables, values as text: `null` where there are
// none. The error is a fragment that says what is wrong.
Result<std::map<std::string, std::string>, std::string> parse_global_variables(
    std::string_view body);

}  // namespace genpro::api
