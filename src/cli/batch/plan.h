// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the rows of a batch come to: settings, outputs, and which of them are there already.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/batch/rows.h"
#include "cli/command.h"
#include "settings/settings.h"

namespace genpro::cli {

// What stands beside a finished clip, in a file of its name and `.json`: what it was made of, so
// that it is never taken for the clip of another row.
struct Receipt {
  std::string request;  // a digest, see Task
  std::string generation_id;
  std::optional<double> cost;
  std::string named;  // a digest of the settings as they are written, files by their names
  // Of the clip, and of the receipt itself, which no other one has; earlier versions did not write
  // them.
  std::optional<std::uint64_t> bytes;
  std::string id;
};

struct Task {
  std::size_t number = 0;  // of the row, from 1
  Settings settings;
  std::string output;   // path
  std::string request;  // a digest of the settings that say what is asked for
  // Why there is nothing to be done: bad settings, or a file that is of something else.
  std::string problem;
  int exit_code = exit_failed;     // that goes with it
  std::optional<Receipt> receipt;  // the clip is there
  bool is_absent = false;          // nothing of the output's name is there
};

struct Plan {
  std::vector<Task> tasks;
  std::vector<std::string> warnings;
};

// The cell that the row goes to; the same however its ids are written.
std::string cell_of(const Task& task);

// The same for all who are to share the rows out: a digest of what the rows say, and of what holds
// for all of them. `name`: the user's, to tell batches of the same rows apart.
std::string batch_of(const std::vector<Row>& rows, const Settings& common, const std::string& name);

// `common`: what holds for all rows that do not say otherwise. `folder`: of the outputs. `base`:
// the folder that names of ingredients are relative to. Throws std::runtime_error when the rows as
// a whole make no sense; nothing is written.
Plan make_plan(const std::vector<Row>& rows, const Settings& common, const std::string& folder,
               const std::string& base);

// What `task.request` would be for the files as they are now; empty when they cannot be read.
std::string request_of(const Task& task);

// Throws std::runtime_error.
void write_receipt(const Task& task, const Receipt& receipt);
void remove_receipt(const Task& task);
std::optional<Receipt> read_receipt(const std::string& output);
// Of the row's clip, if that is there now.
std::optional<Receipt> receipt_of_clip(const Task& task);

}  // namespace genpro::cli
