// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Parts from a job in the background, for who must not wait for that.
#pragma once

#include <memory>

#include "job/job.h"

namespace genpro::job {

// Job::shut_down() on a thread of its own, which the end of the process waits for. Threads: any.
void shut_down_later(std::shared_ptr<Job> job, const Delivery& delivery);

}  // namespace genpro::job
