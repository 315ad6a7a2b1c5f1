// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/output.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>

#include "cli/json_text.h"

namespace genpro::cli {

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
  print(json_text(document));
}

void tell(std::string_view sentence) {
  std::fprintf(stderr, "genpro: %.*s\n", static_cast<int>(sentence.size()), sentence.data());
}

}  // namespace genpro::cli
