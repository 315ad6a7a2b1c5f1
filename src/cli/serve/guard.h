// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Keeps the pages of other sites out. A browser lets them send requests to this machine, also under
// a name of their own that was made to point here; a request may be charged.
#pragma once

#include "cli/serve/message.h"

namespace genpro::cli {

// Throws HttpError 403 for what another site's page has asked for, or a browser by itself. What
// passes has a Host that is a name of this machine, fit to be part of a URL.
void check_sender(const Request& request);

}  // namespace genpro::cli
