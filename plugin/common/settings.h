// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The properties that a generation is set up with, the same for every element of the plugin.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <set>
#include <string>

#include "base/error.h"
#include "base/glib_ptr.h"
#include "clip/reader.h"
#include "job/job.h"

namespace genpro {

// As set; units and defaults are those of the properties.
struct Settings {
  std::string api_base_url;  // empty: from the environment
  std::string api_key;
  std::string api_key_file;
  std::string proxy;
  std::string ca_file;
  std::string sheet_route = "autocontentengine";
  std::string sheet_id;
  std::string cell_id;
  std::string agent_id;
  std::string prompt;
  std::string asset_ids;
  int model = 0;
  int aspect_ratio = 0;
  unsigned duration = 0;
  std::string prompt_var;
  std::string content_resource_vars;
  std::string variables;
  std::string extra_data;
  std::string generation_id;
  int reuse = static_cast<int>(job::Reuse::in_flight);
  int on_shutdown = 0;    // on_shutdown_stop
  int when_in_doubt = 0;  // when_in_doubt_likely
  std::string ledger = job::default_ledger_path();
  unsigned daily_generation_limit = 0;
  unsigned generation_timeout = 3600;
  unsigned poll_interval = 0;
  unsigned stall_timeout = 15;
  unsigned retries = 5;
  bool faststart = false;  // of genprosrc alone
  std::uint64_t max_clip_size = std::uint64_t{4} << 30;
  // Not a property: see tls_interaction_of().
  ObjectPtr<GTlsInteraction> tls_interaction;
  // Ids of generations that are none to pick up.
  std::set<std::string> passed_over;

  std::string model_word() const;
};

// Property numbers 1 … last_setting belong to the settings; an element's own come after it.
extern const unsigned last_setting;

// Settings are read when a generation is started; `mutability` is the GST_PARAM_MUTABLE_* flag that
// says when a change can still matter to an element.
void install_settings(GObjectClass* object_class, GParamFlags mutability);
// `status` and `cost`, which are only read, under an element's own numbers.
void install_generation_properties(GObjectClass* object_class, unsigned status, unsigned cost);
// Both return false for a number that is not a setting's.
bool set_setting(Settings& settings, unsigned id, const GValue* value);
bool get_setting(const Settings& settings, unsigned id, GValue* value);

// The application's object that shows a client's certificate: what the element's context
// "genpro.tls-interaction" has in the field "tls-interaction". Null without one.
ObjectPtr<GTlsInteraction> tls_interaction_of(GstElement* element);

// Everything that can be checked without the network. Fails with ErrorKind::settings.
Result<job::JobSettings> make_job_settings(const Settings& settings);
clip::ReaderSettings make_reader_settings(const Settings& settings, Url clip,
                                          std::size_t read_size);

}  // namespace genpro
