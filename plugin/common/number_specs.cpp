// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/number_specs.h"

namespace genpro {

namespace {

gboolean leave_as_it_is(GParamSpec* /*spec*/, GValue* /*value*/) noexcept {
  return FALSE;
}

// Its own kind of the type, the same for tools that show the range.
GType unchecked(GType parent, const char* name) {
  GTypeQuery query;
  g_type_query(parent, &query);
  GTypeInfo info = {};
  info.class_size = static_cast<guint16>(query.class_size);
  info.instance_size = static_cast<guint16>(query.instance_size);
  info.class_init = [](gpointer type_class, gpointer /*data*/) noexcept {
    G_PARAM_SPEC_CLASS(type_class)->value_validate = leave_as_it_is;
  };
  return g_type_register_static(parent, name, &info, static_cast<GTypeFlags>(0));
}

template <typename Spec, typename Number>
GParamSpec* make(GType type, const char* name, const char* nick, const char* blurb, Number minimum,
                 Number maximum, Number initial, GParamFlags flags) {
  auto* spec = static_cast<Spec*>(g_param_spec_internal(type, name, nick, blurb, flags));
  spec->minimum = minimum;
  spec->maximum = maximum;
  spec->default_value = initial;
  return &spec->parent_instance;
}

}  // namespace

GParamSpec* make_uint_spec(const char* name, const char* nick, const char* blurb, unsigned minimum,
                           unsigned maximum, unsigned initial, GParamFlags flags) {
  static const GType type = unchecked(G_TYPE_PARAM_UINT, "GstGenproParamUInt");
  return make<GParamSpecUInt>(type, name, nick, blurb, minimum, maximum, initial, flags);
}

GParamSpec* make_uint64_spec(const char* name, const char* nick, const char* blurb,
                             std::uint64_t minimum, std::uint64_t maximum, std::uint64_t initial,
                             GParamFlags flags) {
  static const GType type = unchecked(G_TYPE_PARAM_UINT64, "GstGenproParamUInt64");
  return make<GParamSpecUInt64>(type, name, nick, blurb, minimum, maximum, initial, flags);
}

GParamSpec* make_double_spec(const char* name, const char* nick, const char* blurb, double minimum,
                             double maximum, double initial, GParamFlags flags) {
  static const GType type = unchecked(G_TYPE_PARAM_DOUBLE, "GstGenproParamDouble");
  return make<GParamSpecDouble>(type, name, nick, blurb, minimum, maximum, initial, flags);
}

}  // namespace genpro
