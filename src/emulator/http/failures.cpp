// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/http/failures.h"

#include "base/sqlite.h"
#include "emulator/util/api_error.h"

namespace genpro::emulator {

std::optional<Reply> refusal_of(const std::function<void()>& action) {
  try {
    action();
    return {};
  } catch (const ApiError& error) {
    return error_reply(error.status(), error.code(), error.what());
  } catch (const sqlite::Failure& error) {
    if (error.is_busy()) {
      Reply reply =
          error_reply(503, "store_busy", "Another program holds the emulator's store. Try again.");
      reply.headers.emplace_back("Retry-After", "1");
      return reply;
    }
    return error_reply(500, "store_failed",
                       std::string("The emulator's store failed: ") + error.what() +
                           ". Look whether its disk is full, then try again.");
  } catch (const std::exception& error) {
    return error_reply(500, "internal_error",
                       std::string("The emulator failed: ") + error.what() + ".");
  }
}

Reply answer_of(const std::function<Reply()>& action) {
  Reply reply;
  auto refusal = refusal_of([&] { reply = action(); });
  return refusal ? std::move(*refusal) : std::move(reply);
}

}  // namespace genpro::emulator
