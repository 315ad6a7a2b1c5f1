// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Input: the body of an answer of the API.
#include <algorithm>
#include <cmath>

#include "api/answers/cell.h"
#include "api/answers/generation.h"
#include "api/client_call.h"
#include "api/json.h"
#include "base/text.h"
#include "fuzz.h"

namespace genpro::fuzz {

namespace {

using api::Generation;
using api::Phase;

bool equal(const Generation& a, const Generation& b) {
  return a.id == b.id && a.phase == b.phase && a.status == b.status &&
         a.failed_reason == b.failed_reason && a.cost == b.cost && a.video_url == b.video_url;
}

void check_generation(const std::string& body) {
  const auto generation = api::parse_generation(body);
  if (!generation) {
    FUZZ_CHECK(!generation.error().empty());
    return;
  }
  FUZZ_CHECK(generation->id.empty() || is_id(generation->id));
  FUZZ_CHECK(generation->phase != Phase::completed || generation->status == "completed");
  FUZZ_CHECK(generation->phase != Phase::failed || generation->status == "failed");
  FUZZ_CHECK(generation->phase != Phase::stopped || generation->status == "stopped");
  FUZZ_CHECK(std::none_of(generation->status.begin(), generation->status.end(),
                          [](char c) { return g_ascii_isupper(c); }));
  Generation told = *generation;
  api::hide_key(told, "gen_pat_fuzz");
  FUZZ_CHECK(is_one_line(told.failed_reason) && length(told.failed_reason) <= 300);
  FUZZ_CHECK(!generation->cost || std::isfinite(*generation->cost));

  // White space and the order of members say nothing.
  const auto again = api::parse_generation(api::canonical_json(body));
  FUZZ_CHECK(again && equal(*again, *generation));
  const auto spaced = api::parse_generation(body + " \r\n\t");
  FUZZ_CHECK(spaced && equal(*spaced, *generation));
  // An answer that was cut short is none, and one with something behind it neither.
  const std::string whole(trim(body));
  FUZZ_CHECK(!api::parse_generation(whole.substr(0, whole.size() - 1)));
  FUZZ_CHECK(!api::parse_generation(whole + "{}") && !api::parse_generation(whole + "}"));
}

void check_cell(const std::string& body) {
  const auto cell = api::parse_cell(body);
  if (!cell) {
    FUZZ_CHECK(is_one_line(cell.error()) && !cell.error().empty());
    return;
  }
  FUZZ_CHECK(std::all_of(cell->jobs.begin(), cell->jobs.end(), is_id));
  const auto object = api::parse_json_object(body);
  FUZZ_CHECK(object);
  JsonArray* list = api::as_array(api::member(object->get(), "user_jobs"));
  FUZZ_CHECK(list != nullptr && cell->jobs.size() <= json_array_get_length(list));
  FUZZ_CHECK(cell->is_whole || cell->jobs.size() < json_array_get_length(list));
  const auto again = api::parse_cell(api::canonical_json(body));
  FUZZ_CHECK(again && again->jobs == cell->jobs && again->defaults == cell->defaults);
}

// The words of the input, put into an answer by a writer of JSON, come out as they went in.
void check_written(const std::string& words) {
  if (!is_utf8(words)) return;
  const auto parts = split(words, '\n', 3);
  if (std::any_of(parts.begin(), parts.end(),
                  [](const auto& part) { return part.find('\0') != std::string::npos; })) {
    return;
  }
  api::JsonObjectPtr object(json_object_new());
  json_object_set_string_member(object.get(), "generation_id", parts[0].c_str());
  json_object_set_string_member(object.get(), "status", parts[1].c_str());
  json_object_set_double_member(object.get(), "execution_cost",
                                static_cast<double>(words.size()) / 7);
  api::JsonObjectPtr video(json_object_new());
  json_object_set_string_member(video.get(), "object_type", "Video");
  json_object_set_string_member(video.get(), "url", parts[2].c_str());
  api::JsonArrayPtr resources(json_array_new());
  json_array_add_object_element(resources.get(), video.release());
  json_object_set_array_member(object.get(), "output_resources", resources.release());

  const auto generation = api::parse_generation(api::to_text(std::move(object)));
  FUZZ_CHECK(static_cast<bool>(generation) == is_id(parts[0]));
  if (!generation) return;
  FUZZ_CHECK(generation->id == parts[0]);
  FUZZ_CHECK(generation->status == take_string(g_ascii_strdown(parts[1].c_str(), -1)));
  FUZZ_CHECK(generation->cost == static_cast<double>(words.size()) / 7);
  FUZZ_CHECK(generation->video_url == trim(parts[2]));
}

}  // namespace

void test_one(std::string_view input) {
  const std::string body(input);
  check_generation(body);
  check_cell(body);
  check_written(body);
}

}  // namespace genpro::fuzz
