// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a key has access to: agents, their sheets, and the cells of these.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace genpro::api {

// An agent or a sheet.
struct Named {
  std::string id;
  std::string name;  // may be empty
};

struct SheetCell {
  std::string id;
  std::string column;  // its title
  unsigned row = 0;    // counts from 1
  std::string label;   // the first text of its row; may be empty
  bool is_video = false;
};

// Read the answers; lists may be bare or the one list that an object has. The error is a fragment
// that says what is wrong.
Result<std::vector<Named>, std::string> parse_names(std::string_view body);
// The cells of a sheet that a video can be made in: those of its columns for videos; all of them
// where no column is known to be one.
Result<std::vector<SheetCell>, std::string> parse_sheet_cells(std::string_view body);

}  // namespace genpro::api
