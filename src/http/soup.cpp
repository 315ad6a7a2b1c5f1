// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/soup.h"

#include <dlfcn.h>
#include <gmodule.h>

#include "base/text.h"

namespace genpro::soup {

namespace {

// libsoup 2 may also be part of the program itself, where only its functions can be found.
bool has_libsoup_2() {
  void* library = dlopen("libsoup-2.4.so.1", RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return dlsym(RTLD_DEFAULT, "soup_uri_new") != nullptr;
  dlclose(library);
  return true;
}

template <typename Function>
bool look_up(GModule* library, const char* name, Function* function) {
  gpointer symbol = nullptr;
  if (!g_module_symbol(library, name, &symbol)) return false;
  *function = reinterpret_cast<Function>(symbol);
  return *function != nullptr;
}

std::optional<http::Obstacle> try_to_load() {
  if (has_libsoup_2()) {
    return http::Obstacle{"this process uses libsoup 2, which libsoup 3 cannot be loaded beside",
                          "Run the pipeline in a process without libsoup 2."};
  }
  // By GModule, since libsoup's constructor uses it: its lock has to come before the loader's, as
  // it does where GStreamer loads a plugin at the same time. The library stays: its types cannot be
  // unloaded.
  GModule* library = g_module_open("libsoup-3.0.so.0", G_MODULE_BIND_LOCAL);
  bool is_loaded = library != nullptr;
#define GENPRO_SOUP_LOOK_UP(name) is_loaded = is_loaded && look_up(library, "soup_" #name, &name);
  GENPRO_SOUP_FUNCTIONS(GENPRO_SOUP_LOOK_UP)
#undef GENPRO_SOUP_LOOK_UP
  if (is_loaded) return std::nullopt;
  const char* reason = g_module_error();
  return http::Obstacle{
      "libsoup 3 cannot be loaded (" + one_line(reason != nullptr ? reason : "", 200) + ")",
      "Install the package libsoup-3.0-0 of Debian, or libsoup 3.2 or newer, then start the "
      "program again."};
}

}  // namespace

std::optional<http::Obstacle> load() {
  static const std::optional<http::Obstacle> obstacle = try_to_load();
  return obstacle;
}

}  // namespace genpro::soup
