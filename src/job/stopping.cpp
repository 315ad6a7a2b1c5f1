// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/stopping.h"

namespace genpro::job {

namespace {

bool has_ended(const api::Generation& generation) {
  return generation.phase == api::Phase::completed || generation.phase == api::Phase::failed ||
         generation.phase == api::Phase::stopped;
}

}  // namespace

void stop_generation(api::Client& client, const std::string& id, api::Client::Done done) {
  client.stop_generation(
      id, [&client, id, done = std::move(done)](Result<api::Generation, api::Failure> reply) {
        const bool was_answered = reply || reply.error().error.http_status != 0;
        if (!was_answered || (reply && has_ended(*reply))) return done(std::move(reply));
        client.get_generation(id, done);
      });
}

}  // namespace genpro::job
