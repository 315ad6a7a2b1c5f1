// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The body of the rendering process: `genpro-emulator render SPEC.json`.
#pragma once

namespace genpro::emulator::render {

// Renders what the specification at `spec_path` asks for and returns the process's exit code: 0
// when both files are in place, else 1. Files appear under their names only when they are complete.
//
// Standard output carries one JSON object a line and nothing else:
//   {"stage":"ingredient","index":0,"file_name":"logo.png"}   before an ingredient is read
//   {"stage":"encode","progress":0.42}                         from then on no ingredient is read
//   {"done":true,"frames":120,"width":1280,"height":720}       the last line, exit code 0
//   {"error":"a sentence for a person"}                        the last line, exit code 1
// A process that dies without a last line was killed or crashed; the last "ingredient" line without
// an "encode" line after it names the ingredient that did it.
//
// Call it once, on the main thread of a process that does nothing else. When nothing moves for the
// specification's stall_timeout it reports an error and ends the process itself.
int render_main(const char* spec_path);

}  // namespace genpro::emulator::render
