// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"

namespace genpro::cli {

int exit_code_of(const Error& error) {
  if (error.charged == Charged::unknown) return exit_doubt;
  if (error.kind == ErrorKind::limit) return exit_limit;
  if (error.kind == ErrorKind::settings && error.http_status == 0) return exit_usage;
  const bool is_refusal =
      error.charged == Charged::no && error.http_status >= 400 && error.http_status < 500;
  return is_refusal ? exit_refused : exit_failed;
}

int worse_exit_code(int one, int other) {
  for (const int code : {exit_doubt, exit_failed, exit_refused, exit_usage, exit_limit}) {
    if (one == code || other == code) return code;
  }
  return exit_done;
}

}  // namespace genpro::cli
