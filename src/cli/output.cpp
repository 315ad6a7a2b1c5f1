// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/output.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>

namespace genpro::cli {

namespace {

// Control characters above ASCII, which JSON allows and some terminals obey. They can only stand in
// strings, where an escape means the same.
std::string without_terminal_commands(const std::string& json) {
  std::string result;
  for (const char* at = json.c_str(); *at != '\0'; at = g_utf8_next_char(at)) {
    const gunichar c = g_utf8_get_char(at);
    const GUnicodeType type = g_unichar_type(c);
    const bool obeyed = type == G_UNICODE_CONTROL || (type == G_UNICODE_FORMAT && c <= 0xffff);
    if (c >= 0x7f && obeyed) {
      result += take_string(g_strdup_printf("\\u%04x", c));
    } else {
      result.append(at, static_cast<std::size_t>(g_utf8_next_char(at) - at));
    }
  }
  return result;
}

}  // namespace

void prepare_output() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    // The lowest one that is free. Of no use in the direction that counts.
    const int filled =
        ::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);  // NOLINT(*-cloexec)
    if (filled < 0) _exit(1);
  }
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    const int reason = errno;
    throw std::runtime_error(std::string("The output cannot be written: ") + g_strerror(reason) +
                             ".");
  }
}

void print_json(const api::JsonNodePtr& document) {
  print(without_terminal_commands(take_string(json_to_string(document.get(), TRUE))) + "\n");
}

void tell(std::string_view sentence) {
  std::fprintf(stderr, "genpro: %.*s\n", static_cast<int>(sentence.size()), sentence.data());
}

}  // namespace genpro::cli
