// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/app/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

namespace genpro::emulator {

namespace {

constexpr std::array<int, 4> watched{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

struct Note {
  int signal_number;
  int from_terminal;
};

std::atomic<int> note_pipe{-1};

// GLib's own signal sources do not tell who sent a signal, hence this one.
void on_signal(int signal_number, siginfo_t* info, void*) {
  const int saved = errno;
  const Note note{signal_number, info->si_code > 0 ? 1 : 0};
  if (write(note_pipe.load(), &note, sizeof note) < 0) {
    // The pipe is full of such notes: one more says nothing new.
  }
  errno = saved;
}

}  // namespace

SignalWatch::SignalWatch(Callback callback) : callback_(std::move(callback)) {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    throw std::system_error(errno, std::generic_category(), "No pipe for signals");
  }
  reader_ = FileDescriptor(ends[0]);
  writer_ = FileDescriptor(ends[1]);
  note_pipe = writer_.get();
  source_ = watch_descriptor(reader_.get(), [this] {
    Note note{};
    while (read(reader_.get(), &note, sizeof note) == static_cast<ssize_t>(sizeof note)) {
      callback_(note.signal_number, note.from_terminal != 0);
    }
    return true;
  });
  for (const int number : watched) {
    struct sigaction previous = {};
    sigaction(number, nullptr, &previous);
    if (previous.sa_handler == SIG_IGN) continue;
    struct sigaction action = {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(number, &action, nullptr);
  }
}

SignalWatch::~SignalWatch() {
  // What comes now would only delay the end that has begun.
  for (const int number : watched) {
    struct sigaction action = {};
    action.sa_handler = SIG_IGN;
    sigaction(number, &action, nullptr);
  }
  note_pipe = -1;
}

}  // namespace genpro::emulator
