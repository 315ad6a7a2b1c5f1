// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whatever goes wrong while a request is served becomes a reply.
#pragma once

#include <functional>
#include <optional>

#include "emulator/http/message.h"

namespace genpro::emulator {

// Runs `action`; the reply for what it throws, nothing when it throws nothing.
std::optional<Reply> refusal_of(const std::function<void()>& action);

// What `action` returns, or the reply for what it throws.
Reply answer_of(const std::function<Reply()>& action);

}  // namespace genpro::emulator
