// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/address_request.h"

#include <algorithm>

#include "base/text.h"

namespace genpro::job {

Result<Url> clip_address(const api::Generation& generation, const std::string& id,
                         const api::Access& access) {
  const std::string subject = "Generation " + id + " is completed, but ";
  const std::string advice = " Ask the service's support for it, with this id.";
  if (!generation.video_url) {
    return Error{.message = subject + "has no video among its output resources." + advice};
  }
  auto url = parse_url(*generation.video_url);
  std::string wrong = url ? "" : url.error();
  if (url && url->reaches_this_machine() && !access.base.reaches_this_machine()) {
    wrong = "it is on this machine, and the API is not";
  }
  if (wrong.empty()) return std::move(*url);
  const std::string shown =
      shorten(address_for_log(redact(*generation.video_url, access.key)), 120);
  return Error{.message = subject + "its video's address \"" + shown +
                          "\" cannot be used: " + wrong + "." + advice};
}

AddressRequest::AddressRequest(Runtime& runtime, const api::Access& access,
                               std::chrono::milliseconds silence, unsigned retries,
                               std::chrono::milliseconds longest_wait, std::string id, Done done)
    : access_(access),
      retries_(retries),
      longest_wait_(longest_wait),
      id_(std::move(id)),
      done_(std::move(done)),
      client_(runtime, access, silence) {
  ask();
}

void AddressRequest::ask() {
  client_.get_generation(
      id_, [this](Result<api::Generation, api::Failure> reply) { on_reply(std::move(reply)); });
}

void AddressRequest::on_reply(Result<api::Generation, api::Failure> reply) {
  if (!reply) {
    api::Failure& failure = reply.error();
    if (failure.retryable && backoff_.failures() < retries_) {
      auto wait = failure.retry_after;
      if (wait) wait = std::min(*wait, longest_wait_);
      return retry_timer_.start(backoff_.next(wait), [this] { ask(); });
    }
    return finish(std::move(failure.error));
  }
  if (reply->phase == api::Phase::completed) return finish(clip_address(*reply, id_, access_));
  // Whatever it is doing now, the clip that was being read is not to be had.
  finish(Error{.message = "Generation " + id_ + " is " +
                          one_line(redact(reply->status, access_.key), 40) +
                          " now, though it was completed before. Ask the service's support for "
                          "its clip."});
}

void AddressRequest::finish(Result<Url> address) {
  const Done done = std::move(done_);
  done(std::move(address));
}

}  // namespace genpro::job
