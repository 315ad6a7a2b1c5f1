// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/output/output_pad.h"

#include "base/glib_ptr.h"

namespace genpro::bin {

namespace {

// How often in a row what follows may refuse the caps: while it is linked, it may have been asked
// too early.
constexpr guint most_refusals = 10;

// Without a reader, or with one that is not running yet or not any more, what is live goes on.
GstFlowReturn chain(GstPad* pad, GstObject* parent, GstBuffer* buffer) {
  const GstFlowReturn result = gst_proxy_pad_chain_default(pad, parent, buffer);
  auto* const refusals = static_cast<guint*>(gst_pad_get_element_private(pad));
  switch (result) {
    case GST_FLOW_NOT_NEGOTIATED:
      if (++*refusals > most_refusals) return result;
      if (GstPad* source = gst_pad_get_peer(pad); source != nullptr) {
        const auto owned = ObjectPtr<GstPad>::adopt(source);
        gst_pad_mark_reconfigure(source);
      }
      return GST_FLOW_OK;
    case GST_FLOW_NOT_LINKED:
    case GST_FLOW_FLUSHING:
      return GST_FLOW_OK;
    default:
      *refusals = 0;
      return result;
  }
}

}  // namespace

GstPad* make_output_pad(const char* name, GstPad* target, GstPadTemplate* pad_template) {
  GstPad* pad = gst_ghost_pad_new_from_template(name, target, pad_template);
  const auto internal =
      ObjectPtr<GstProxyPad>::adopt(gst_proxy_pad_get_internal(GST_PROXY_PAD(pad)));
  auto* refusals = g_new0(guint, 1);
  // Lives as long as the pad.
  g_object_set_data_full(G_OBJECT(internal.get()), "genpro-refusals", refusals, g_free);
  gst_pad_set_element_private(GST_PAD(internal.get()), refusals);
  gst_pad_set_chain_function(GST_PAD(internal.get()), chain);
  return pad;
}

}  // namespace genpro::bin
