// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A run of genprobin of which all that comes out is looked at, once it has stopped.
#pragma once

#include <memory>

#include "live/live_fixture.h"

namespace genpro::test {

struct GaplessRun {
  GstElement* bin() { return studio->bin(); }
  // Neither frames nor samples have a gap.
  void stop() {
    ASSERT_TRUE(studio->wait_for_sound());
    studio->stop();
    pictures = studio->video().pictures();
    sound = studio->audio().sound();
    expect_gapless(pictures);
    expect_gapless(sound);
  }

  LiveService service;
  std::unique_ptr<Studio> studio;
  Pictures pictures;
  Sound sound;
};

}  // namespace genpro::test
