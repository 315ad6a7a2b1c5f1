// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/states.h"

#include "gst/gst_ptr.h"

namespace genpro {

namespace {

struct States {
  GstState current;
  GstState target;
};

States states_of(GstElement* element) {
  GST_OBJECT_LOCK(element);
  const States states = {GST_STATE(element), GST_STATE_TARGET(element)};
  GST_OBJECT_UNLOCK(element);
  return states;
}

}  // namespace

bool starts_while_pipeline_stops(GstElement* element, GstState state) {
  if (state <= states_of(element).current) return false;
  // The state of one that is locked is not its parent's concern.
  ElementPtr child = ElementPtr::ref(element);
  while (!gst_element_is_locked_state(child.get())) {
    auto parent = ObjectPtr<GstObject>::adopt(gst_object_get_parent(GST_OBJECT(child.get())));
    if (!GST_IS_ELEMENT(parent.get())) return false;
    child = ElementPtr::ref(GST_ELEMENT(parent.get()));
    const States states = states_of(child.get());
    if (states.current > states.target && states.target <= GST_STATE_READY) return true;
  }
  return false;
}

}  // namespace genpro
