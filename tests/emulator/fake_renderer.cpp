// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Stands in for the renderer: writes a small file at once, or misbehaves as a word in the prompt
// says. `[spec]` makes it hand back its own specification as the clip, `[half]` says
// that the clip is half as long.
#include <json-glib/json-glib.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "base/glib_ptr.h"
#include "fake_clip.h"

namespace {

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

int run(const char* spec_path) {
  const auto parser = genpro::ObjectPtr<JsonParser>::adopt(json_parser_new());
  genpro::ErrorPtr error;
  if (!json_parser_load_from_file(parser.get(), spec_path, error.out())) {
    say(R"({"error":"The specification cannot be read."})");
    return 1;
  }
  JsonObject* spec = json_node_get_object(json_parser_get_root(parser.get()));
  const std::string prompt = json_object_get_string_member(spec, "prompt");
  const auto asks = [&prompt](const char* word) { return prompt.find(word) != std::string::npos; };
  JsonArray* ingredients = json_object_get_array_member(spec, "ingredients");
  for (guint i = 0; i < json_array_get_length(ingredients); ++i) {
    JsonObject* ingredient = json_array_get_object_element(ingredients, i);
    say(R"({"stage":"ingredient","index":)" + std::to_string(i) + R"(,"file_name":")" +
        json_object_get_string_member(ingredient, "file_name") + R"("})");
  }
  if (asks("[crash]")) {
    // A sanitizer would turn the crash into an exit.
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
  }
  if (asks("[refuse]")) {
    say(R"({"error":"The ingredient \"a.png\" is damaged. Upload it again."})");
    return 1;
  }
  if (asks("[memory]")) {
    // As GLib does it. A byte of each page, so that the compiler cannot leave it out.
    constexpr std::size_t size = std::size_t{1} << 30;
    auto* memory = static_cast<volatile char*>(std::malloc(size));
    if (memory == nullptr) std::abort();
    for (std::size_t at = 0; at < size; at += 4096) memory[at] = 1;
  }
  if (asks("[exit]")) return 3;
  if (asks("[silent]")) return 0;
  if (asks("[nothing]")) {
    say(R"({"done":true,"frames":0})");
    return 0;
  }
  if (asks("[orphan]") && fork() == 0) {
    // Keeps standard output open after the renderer has ended.
    sleep(100);
    _exit(0);
  }
  say(R"({"stage":"encode","progress":0.5})");
  if (asks("[hang]")) {
    for (;;) pause();
  }
  std::string clip = genpro::emulator::test::fake_clip();
  if (asks("[spec]")) {
    std::ifstream file(spec_path);
    clip.assign(std::istreambuf_iterator<char>(file), {});
  }
  write_file(json_object_get_string_member(spec, "output"), clip);
  write_file(json_object_get_string_member(spec, "thumbnail"), "a picture");
  // As many frames as were asked for, or half of them.
  const auto seconds = json_object_get_int_member(spec, "duration");
  const auto frames = seconds * json_object_get_int_member(spec, "fps") / (asks("[half]") ? 2 : 1);
  say(R"({"done":true,"frames":)" + std::to_string(frames) + "}");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return argc == 2 ? run(argv[1]) : 2;
}
