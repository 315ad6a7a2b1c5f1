// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an empty store is filled with.
//
// Its form stands in ../README.md. A cell is its value, or an object; `card` is the body of a
// generate call, as if it had been the cell's last one.
#pragma once

#include <optional>
#include <string>

#include "emulator/domain/resources.h"
#include "emulator/store/store.h"

namespace genpro::emulator {

inline constexpr MilliCredits default_credit = 1'000'000;

// Throws std::runtime_error with a sentence for its user when there is no such file, or when it
// must not be read. What it says is not looked at.
void check_seed(const std::string& path);

// Fills the store from the file, with `credit` instead of the file's when it is given. Throws
// std::runtime_error with a sentence for its user; the store is then as it was.
void fill_from_seed(Store& store, Resources& resources, const std::string& path,
                    std::optional<MilliCredits> credit);

// Adds an agent unless it is there.
void provide_agent(Store& store, const std::string& id, const std::string& name);

}  // namespace genpro::emulator
