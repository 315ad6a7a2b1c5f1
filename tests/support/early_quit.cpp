// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A library with which a main loop that is told to quit before it runs does not run. gst-launch-1.0
// tells its loop so from the thread that posts an error; where that is before the loop runs, GLib
// forgets it, and the program waits for good.
#include <dlfcn.h>
#include <glib.h>

#include <atomic>

namespace {

// The one of the default context, which such a program has no second one of.
std::atomic<bool> has_quit = false;

bool is_main(GMainLoop* loop) {
  return g_main_loop_get_context(loop) == g_main_context_default();
}

void call_next(const char* name, GMainLoop* loop) {
  reinterpret_cast<void (*)(GMainLoop*)>(dlsym(RTLD_NEXT, name))(loop);
}

gboolean quit_again(gpointer loop) {
  if (has_quit) g_main_loop_quit(static_cast<GMainLoop*>(loop));
  return G_SOURCE_REMOVE;
}

}  // namespace

#define GENPRO_TEST_PUBLIC extern "C" __attribute__((visibility("default")))

GENPRO_TEST_PUBLIC void g_main_loop_quit(GMainLoop* loop) {
  if (is_main(loop)) has_quit = true;
  call_next("g_main_loop_quit", loop);
}

GENPRO_TEST_PUBLIC void g_main_loop_run(GMainLoop* loop) {
  // The loop is marked as running before it comes to this.
  if (is_main(loop)) g_idle_add_full(G_PRIORITY_HIGH, quit_again, loop, nullptr);
  call_next("g_main_loop_run", loop);
}
