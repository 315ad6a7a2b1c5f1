// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A look at an ingredient's bytes before any decoder sees them: files that are no media, and files
// that end too early, are told apart here, where the reason can still be said in plain words.
#pragma once

#include <string>

namespace genpro::emulator::render {

// Empty when nothing speaks against the file; otherwise what is wrong and what to do, as the end of
// a sentence that begins with the ingredient's name ("is empty; upload it again").
std::string find_fault(const std::string& path, const std::string& content_type);

// The number of frames in a GIF file; 0 when the file is no GIF.
int count_gif_frames(const std::string& path);

// The orientation that a JPEG's EXIF data asks for, such as "rotate-90"; empty when it has none.
std::string exif_orientation(const std::string& path);

}  // namespace genpro::emulator::render
