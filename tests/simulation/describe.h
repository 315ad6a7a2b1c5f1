// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A history in words.
#pragma once

#include <string>
#include <vector>

#include "payment/payment.h"
#include "simulation/service.h"

namespace genpro::simulation {

std::string describe_time(Millis time);
std::string describe(const payment::State& state);
std::string describe(const payment::Event& event);
std::string describe(const std::vector<payment::Action>& actions);  // each after a comma
std::string describe(const Reply& reply);
std::string describe(const Service::Generation& generation);
const char* name_of(payment::End::Kind kind);

}  // namespace genpro::simulation
