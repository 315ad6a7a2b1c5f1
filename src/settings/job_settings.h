// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From settings to what runs.
#pragma once

#include <string>

#include "base/error.h"
#include "clip/reader.h"
#include "job/job.h"
#include "settings/settings.h"

namespace genpro {

// What is set, else what the environment or the service's documentation says.
std::string effective_base_url(const Settings& settings);

// Both for settings that are complete, see profile.h.
// Everything that can be checked without the network. Fails with ErrorKind::settings.
Result<job::JobSettings> make_job_settings(const Settings& settings);
// The same for calls alone. Waits for the program that has the key, if there is one, so it is not
// for a thread that must not wait.
Result<api::Access> make_access(const Settings& settings);
clip::ReaderSettings make_reader_settings(const Settings& settings, job::FinishedClip clip,
                                          std::size_t read_size);

}  // namespace genpro
