// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Asking the service to stop generations.
#pragma once

#include <string>

#include "api/client.h"

namespace genpro::job {

// Asks for the generation's end, and where the service does not simply say yes, how it stands: it
// may have ended before. A generation that is still unfinished then cannot be stopped. Not called
// back once `client` is cancelled; belongs to the runtime thread.
void stop_generation(api::Client& client, const std::string& id, api::Client::Done done);

}  // namespace genpro::job
