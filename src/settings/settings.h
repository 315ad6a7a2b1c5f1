// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a generation and the reading of its clip are set up with, as plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/glib_ptr.h"
#include "job/job.h"

namespace genpro {

// As set; table.h says what each one is called, and which words and numbers it takes.
struct Settings {
  std::string profile;
  std::string api_base_url;
  std::string api_key;
  std::string api_key_file;
  std::string proxy;
  std::string ca_file;
  std::string sheet_route = "autocontentengine";
  std::string sheet_id;
  std::string cell_id;
  std::string layer_id;
  std::string agent_id;
  std::string prompt;
  std::string asset_ids;
  std::string ingredients;
  std::string dialect = "seed";
  std::string generation_type = "video_from_ingredients";
  std::string model = "default";
  std::string aspect_ratio = "default";
  std::string resolution;
  unsigned duration = 0;
  std::string native_audio = "default";
  std::string negative_prompt;
  std::string prompt_var;
  std::string content_resource_vars;
  std::string variables;
  std::string extra_data;
  std::string generation_id;
  std::string reuse = "in-flight";
  std::string on_shutdown = "stop";
  std::string when_in_doubt = "likely";
  std::string ledger = job::default_ledger_path();
  std::string archive;
  unsigned daily_generation_limit = 0;
  double max_cost = 0;
  double daily_cost_limit = 0;
  unsigned generation_timeout = 3600;
  unsigned poll_interval = 0;
  unsigned stall_timeout = 15;
  unsigned retries = 5;
  std::uint64_t max_clip_size = std::uint64_t{4} << 30;
  bool faststart = false;
  // Not in the table: an object that shows a client's certificate.
  ObjectPtr<GTlsInteraction> tls_interaction;
  // Not in the table, and from the configuration alone, since it is a program that runs: asked for
  // the key where none is set.
  std::vector<std::string> key_command;
  // Not in the table: ids of generations that are none to pick up.
  std::set<std::string> passed_over;
  // Not in the table: why something could not be set to what was last wanted, by its name. Nothing
  // is asked for as long as that is so.
  std::map<std::string, std::string, std::less<>> refused;
  // Not in the table: see job::JobSettings.
  bool pays_once = false;

  // The names of what somebody has set; an empty text is none, where it is no value of its own.
  std::set<std::string, std::less<>> given;
  bool is_set(std::string_view name) const { return given.contains(name); }

  // The service's words; empty for `default`: the cell decides.
  std::string model_word() const;
  std::string aspect_ratio_word() const;
  // Of the sheets: what is set, else the dialect's.
  std::string sheet_route_word() const;
};

}  // namespace genpro
