// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where the clip of a completed generation is: asked for once more, when its address has expired.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "api/client.h"
#include "base/backoff.h"

namespace genpro::job {

// The clip's address in what the service says of a completed generation. Fails with
// ErrorKind::failed when there is no video or its address cannot be used: one on this machine is
// for an API on this machine only.
Result<Url> clip_address(const api::Generation& generation, const std::string& id,
                         const api::Access& access);

// Belongs to the runtime thread. Destroying it ends what is under way.
class AddressRequest {
 public:
  using Done = std::function<void(Result<Url>)>;

  // `silence`, `retries` and `longest_wait` as in JobSettings. `done` is called once, not from
  // within the constructor, and may destroy the object.
  AddressRequest(Runtime& runtime, const api::Access& access, std::chrono::milliseconds silence,
                 unsigned retries, std::chrono::milliseconds longest_wait, std::string id,
                 Done done);
  AddressRequest(const AddressRequest&) = delete;
  AddressRequest& operator=(const AddressRequest&) = delete;

 private:
  void ask();
  void on_reply(Result<api::Generation, api::Failure> reply);
  void finish(Result<Url> address);

  const api::Access access_;
  const unsigned retries_;
  const std::chrono::milliseconds longest_wait_;
  const std::string id_;
  Done done_;
  api::Client client_;
  Backoff backoff_;
  Timer retry_timer_;
};

}  // namespace genpro::job
