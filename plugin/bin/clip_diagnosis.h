// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is wrong with a clip, from what the elements say that decode it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gst/gst_ptr.h"

namespace genpro::bin {

// Threads: one at a time.
class ClipDiagnosis {
 public:
  // Of a decoder that GStreamer does not have.
  void note_missing(GstMessage* message);
  // An ERROR in terms of the clip; `position` is up to which byte that was read.
  ErrorPtr explain(GstMessage* message, std::uint64_t position) const;
  // Why there is no audio; empty when there is no reason.
  std::string why_silent() const;
  // The same of an ERROR that concerns nothing but the audio.
  static std::string why_silent(GstMessage* error);

 private:
  struct Missing {
    bool is_encrypted = false;
    std::string media;
    std::string text;
  };
  const Missing* missing(const char* kind) const;

  std::vector<Missing> missing_;
};

}  // namespace genpro::bin
