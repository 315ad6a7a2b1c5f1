// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Input: a genpro URI.
#include "settings/uri.h"

#include "base/web/url.h"
#include "fuzz.h"

namespace genpro::fuzz {

namespace {

// Whoever runs it has a configuration, which is not part of the input.
const bool is_alone = [] {
  g_setenv("XDG_CONFIG_HOME", "/nonexistent", TRUE);
  g_unsetenv("GEN_API_BASE_URL");
  return true;
}();

}  // namespace

void test_one(std::string_view input) {
  const std::string text(input.substr(0, input.find('\0')));
  const auto settings = apply_uri({}, text);
  if (!settings) {
    FUZZ_CHECK(is_one_line(settings.error().message) && !settings.error().message.empty());
    return;
  }
  // Whoever wrote it gets no key, and has no say in what is the user's to say.
  const Settings usual;
  FUZZ_CHECK(settings->api_key.empty() && settings->api_key_file.empty() &&
             settings->key_command.empty());
  FUZZ_CHECK(settings->proxy.empty() && settings->ca_file.empty());
  FUZZ_CHECK(settings->ledger == usual.ledger && settings->daily_generation_limit == 0 &&
             settings->daily_cost_limit == 0);
  if (settings->is_set("api-base-url")) {
    const auto base = parse_url(settings->api_base_url);
    FUZZ_CHECK(base && base->origin() == "https://api.gen.pro:443");
  }
  for (const std::string* value : {&settings->prompt, &settings->sheet_id, &settings->extra_data}) {
    FUZZ_CHECK(is_utf8(*value));
  }

  // It stays the same one, however often it is read.
  const auto uri = make_uri(*settings);
  if (!uri) return;
  FUZZ_CHECK(uri->starts_with("genpro://"));
  const auto again = apply_uri({}, *uri);
  FUZZ_CHECK(again && again->prompt == settings->prompt && again->cell_id == settings->cell_id &&
             again->generation_id == settings->generation_id && again->reuse == settings->reuse);
  FUZZ_CHECK(make_uri(*again) == *uri);
}

}  // namespace genpro::fuzz
