// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What one rendering is asked for: the JSON file that the server writes and the renderer's process
// reads.
#pragma once

#include <string>
#include <vector>

namespace genpro::emulator::render {

struct RenderIngredient {
  std::string path;          // a local file
  std::string content_type;  // what the upload claimed; a hint for messages, never trusted
  std::string file_name;     // the name that the person knows it by
};

// How a clip is made of its ingredients.
enum class Kind {
  ingredients,  // one after the other, with captions, logos and a backdrop where there is nothing
  image,        // from the first one to the second, which are its first and last frame
  lipsync,      // the first one's frames with the second one's audio
  layers,       // one over the other, the first one below
  matte,        // the first one's frames without their background
};

struct RenderSpec {
  Kind kind = Kind::ingredients;
  std::string output;     // the MP4 to write, of a matte a QuickTime file
  std::string thumbnail;  // the JPEG to write; empty: none
  int width = 1280;       // pixels, even
  int height = 720;       // pixels, even
  int fps = 24;
  // Seconds; the clip has exactly duration * fps frames. 0: as many as its media have, where the
  // kind has media that decide.
  int duration = 5;
  std::string prompt;
  std::string model;
  std::string generation_id;
  bool audio = false;        // an AAC track of the clip's length
  bool moov_at_end = false;  // mdat before moov
  int stall_timeout = 20;    // seconds without any progress, after which the renderer gives up
  std::vector<RenderIngredient> ingredients;

  const RenderIngredient& ingredient(int index) const {
    return ingredients[static_cast<std::size_t>(index)];
  }
  // Reads the JSON file. A member that is missing keeps its default, except `output`. Throws
  // RenderError, which says what is wrong with which member.
  static RenderSpec load(const std::string& path);
};

}  // namespace genpro::emulator::render
