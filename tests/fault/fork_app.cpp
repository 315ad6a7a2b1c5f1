// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Runs the pipeline of its arguments as gst-launch-1.0 does, and forks a child that does nothing as
// soon as it gets SIGUSR1. The child ends when the file of its first argument is there, or by
// itself after a minute.
#include <glib-unix.h>
#include <gst/gst.h>
#include <unistd.h>

#include <csignal>

namespace {

[[noreturn]] void do_nothing(const char* file) {
  for (int i = 0; i < 600 && access(file, F_OK) != 0; ++i) usleep(100'000);
  _exit(0);
}

gboolean fork_now(gpointer file) {
  const pid_t child = fork();
  if (child == 0) do_nothing(static_cast<const char*>(file));
  g_print("forked %d\n", child);
  return G_SOURCE_REMOVE;
}

gboolean on_message(GstBus*, GstMessage* message, gpointer loop) {
  const bool is_end = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS ||
                      GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR;
  if (is_end) g_main_loop_quit(static_cast<GMainLoop*>(loop));
  return G_SOURCE_CONTINUE;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc < 3) return 2;
  GMainLoop* loop = g_main_loop_new(nullptr, FALSE);
  g_unix_signal_add(SIGUSR1, fork_now, argv[1]);
  GstElement* pipeline = gst_parse_launchv(const_cast<const gchar**>(argv + 2), nullptr);
  if (pipeline == nullptr) return 2;
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_bus_add_watch(bus, on_message, loop);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  g_main_loop_run(loop);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_bus_remove_watch(bus);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
  g_main_loop_unref(loop);
  return 0;
}
