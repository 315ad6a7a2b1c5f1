// SPDX-License-Identifier: LGPL-2.1-or-later
//
// An owning pointer for what runs, beside those of gst/gst_ptr.h.
#pragma once

#include <utility>

#include "gst/gst_ptr.h"

namespace genpro::test {

// A pipeline or bin that is in no state it could hang in when its last owner goes.
class Running {
 public:
  explicit Running(ElementPtr element) : element_(std::move(element)) {}
  Running(Running&&) = default;
  Running& operator=(Running&&) = delete;
  ~Running() {
    if (element_) gst_element_set_state(element_.get(), GST_STATE_NULL);
  }
  GstElement* get() const { return element_.get(); }
  explicit operator bool() const { return static_cast<bool>(element_); }

 private:
  ElementPtr element_;
};

}  // namespace genpro::test
