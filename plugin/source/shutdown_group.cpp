// SPDX-License-Identifier: LGPL-2.1-or-later
#include "source/shutdown_group.h"

#include <algorithm>
#include <vector>

#include "base/guarded.h"
#include "gst/gst_ptr.h"

namespace genpro {

namespace {

using ObjectRef = ObjectPtr<GstObject>;

Guarded<std::vector<ShutdownGroupMember*>>& members() {
  static Guarded<std::vector<ShutdownGroupMember*>> list;
  return list;
}

ObjectRef parent_of(GstObject* object) {
  return ObjectRef::adopt(gst_object_get_parent(object));
}

// Whether a bin is just taking its children to READY. Its current state does not tell: it is READY,
// too, for one that was on its way up and is turned round.
bool goes_to_ready(GstObject* bin) {
  if (!GST_IS_ELEMENT(bin)) return false;
  GstElement* element = GST_ELEMENT(bin);
  GST_OBJECT_LOCK(element);
  const bool goes = GST_STATE_NEXT(element) == GST_STATE_READY &&
                    GST_STATE(element) != GST_STATE_NULL &&
                    GST_STATE_TARGET(element) <= GST_STATE_READY;
  GST_OBJECT_UNLOCK(element);
  return goes;
}

bool is_locked(GstObject* object) {
  return GST_IS_ELEMENT(object) && gst_element_is_locked_state(GST_ELEMENT(object)) != FALSE;
}

// The outermost bin that takes the element to READY; null when none does.
ObjectRef origin_of_change(GstElement* element) {
  ObjectRef origin;
  auto child = ObjectRef::ref(GST_OBJECT(element));
  while (!is_locked(child.get())) {
    ObjectRef parent = parent_of(child.get());
    if (!parent || !goes_to_ready(parent.get())) break;
    origin = parent;
    child = std::move(parent);
  }
  return origin;
}

bool follows(GstElement* element, GstObject* bin) {
  auto object = ObjectRef::ref(GST_OBJECT(element));
  while (object && object.get() != bin) {
    if (is_locked(object.get())) return false;
    object = parent_of(object.get());
  }
  return static_cast<bool>(object);
}

}  // namespace

ShutdownGroupMember::ShutdownGroupMember(GstElement* element, const std::shared_ptr<job::Job>& job)
    : job_(job) {
  g_weak_ref_init(&element_, element);
  members().lock()->push_back(this);
}

ShutdownGroupMember::~ShutdownGroupMember() {
  {
    auto list = members().lock();
    list->erase(std::find(list->begin(), list->end(), this));
  }
  g_weak_ref_clear(&element_);
}

void begin_shutdown_with(GstElement* element) {
  const ObjectRef origin = origin_of_change(element);
  if (!origin) return;
  struct Found {
    ObjectPtr<GstElement> element;
    std::shared_ptr<job::Job> job;
  };
  std::vector<Found> found;
  {
    auto list = members().lock();
    for (ShutdownGroupMember* member : *list) {
      auto owner =
          ObjectPtr<GstElement>::adopt(static_cast<GstElement*>(g_weak_ref_get(&member->element_)));
      auto job = member->job_.lock();
      if (owner && job) found.push_back({std::move(owner), std::move(job)});
    }
  }
  for (const Found& other : found) {
    if (follows(other.element.get(), origin.get())) other.job->begin_shutdown();
  }
}

}  // namespace genpro
