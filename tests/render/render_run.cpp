// SPDX-License-Identifier: LGPL-2.1-or-later
#include "render_run.h"

#include <gio/gio.h>
#include <gtest/gtest.h>
#include <json-glib/json-glib.h>

#include <array>
#include <sstream>

#include "base/glib_ptr.h"
#include "emulator/util/json.h"

namespace genpro::emulator::render::test {

RenderRun run_render_json(const std::string& json, const TemporaryFolder& folder) {
  RenderRun run;
  const std::string spec_path = folder.path("spec.json");
  write_file(spec_path, json);
  const char* tool = g_getenv("RENDER_TOOL");
  if (tool == nullptr) {
    ADD_FAILURE() << "RENDER_TOOL must name the rendering executable";
    return run;
  }
  ErrorPtr error;
  const gint64 begin = g_get_monotonic_time();
  const auto process = ObjectPtr<GSubprocess>::adopt(g_subprocess_new(
      G_SUBPROCESS_FLAGS_STDOUT_PIPE, error.out(), tool, spec_path.c_str(), nullptr));
  if (!process) {
    ADD_FAILURE() << error.message();
    return run;
  }
  char* output = nullptr;
  g_subprocess_communicate_utf8(process.get(), nullptr, nullptr, &output, nullptr, error.out());
  const GCharPtr owned(output);
  run.seconds = static_cast<double>(g_get_monotonic_time() - begin) / G_USEC_PER_SEC;
  EXPECT_FALSE(error) << error.message();
  if (g_subprocess_get_if_exited(process.get())) {
    run.exit_code = g_subprocess_get_exit_status(process.get());
  }
  std::istringstream text(output != nullptr ? output : "");
  for (std::string line; std::getline(text, line);) {
    run.lines.push_back(line);
    const auto parser = ObjectPtr<JsonParser>::adopt(json_parser_new());
    if (!json_parser_load_from_data(parser.get(), line.c_str(), -1, error.out()) ||
        !JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser.get()))) {
      ADD_FAILURE() << "not a JSON object: " << line;
      continue;
    }
    JsonObject* object = json_node_get_object(json_parser_get_root(parser.get()));
    run.error = json_object_get_string_member_with_default(object, "error", "");
    run.done = json_object_get_boolean_member_with_default(object, "done", FALSE) != FALSE;
    run.frames = static_cast<int>(json_object_get_int_member_with_default(object, "frames", 0));
    run.width = static_cast<int>(json_object_get_int_member_with_default(object, "width", 0));
    run.height = static_cast<int>(json_object_get_int_member_with_default(object, "height", 0));
  }
  return run;
}

std::string spec_json(const RenderSpec& spec) {
  JsonWriter json;
  constexpr std::array kinds{"ingredients", "image", "lipsync", "layers", "matte"};
  json.begin_object().key("kind").string(kinds.at(static_cast<std::size_t>(spec.kind)));
  json.key("output").string(spec.output).key("thumbnail").string(spec.thumbnail);
  json.key("width").integer(spec.width).key("height").integer(spec.height);
  json.key("fps").integer(spec.fps).key("duration").integer(spec.duration);
  json.key("prompt").string(spec.prompt).key("model").string(spec.model);
  json.key("generation_id").string(spec.generation_id).key("audio").boolean(spec.audio);
  json.key("moov_at_end").boolean(spec.moov_at_end);
  json.key("stall_timeout").integer(spec.stall_timeout).key("ingredients").begin_array();
  for (const RenderIngredient& ingredient : spec.ingredients) {
    json.begin_object().key("path").string(ingredient.path);
    json.key("content_type").string(ingredient.content_type);
    json.key("file_name").string(ingredient.file_name).end_object();
  }
  return json.end_array().end_object().text();
}

RenderRun run_render(const RenderSpec& spec, const TemporaryFolder& folder) {
  return run_render_json(spec_json(spec), folder);
}

RenderSpec make_spec(const TemporaryFolder& folder) {
  RenderSpec spec;
  spec.output = folder.path("out.mp4");
  spec.thumbnail = folder.path("out.jpg");
  spec.duration = 1;
  spec.model = "kling_1_6";
  spec.generation_id = "9040";
  return spec;
}

void add_ingredient(RenderSpec& spec, const TemporaryFolder& folder, const std::string& name,
                    const std::string& content_type) {
  spec.ingredients.push_back({folder.path(name), content_type, name});
}

}  // namespace genpro::emulator::render::test
