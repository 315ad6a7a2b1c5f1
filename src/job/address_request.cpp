// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/address_request.h"

#include "base/text.h"

namespace genpro::job {

Result<Url> clip_address(const api::Generation& generation, const std::string& id,
                         const std::string& key) {
  const std::string subject = "Generation " + id + " is completed, but ";
  const std::string advice = " Ask the service's support for it, with this id.";
  Error error;
  error.kind = ErrorKind::failed;
  if (!generation.video_url) {
    error.message = subject + "has no video among its output resources." + advice;
    return error;
  }
  auto url = parse_url(*generation.video_url);
  if (!url) {
    const std::string shown = shorten(address_for_log(redact(*generation.video_url, key)), 120);
    error.message = subject + "its video's address \"" + shown +
                    "\" cannot be used: " + url.error() + "." + advice;
    return error;
  }
  return std::move(*url);
}

AddressRequest::AddressRequest(Runtime& runtime, const api::Access& access,
                               std::chrono::milliseconds silence, unsigned retries, std::string id,
                               Done done)
    : key_(access.key),
      retries_(retries),
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
      return retry_timer_.start(backoff_.next(failure.retry_after), [this] { ask(); });
    }
    return finish(std::move(failure.error));
  }
  if (reply->phase == api::Phase::completed) return finish(clip_address(*reply, id_, key_));
  // Whatever it is doing now, the clip that was being read is not to be had.
  Error error;
  error.kind = ErrorKind::failed;
  error.message = "Generation " + id_ + " is " + one_line(redact(reply->status, key_), 40) +
                  " now, though it was completed before. Ask the service's support for its clip.";
  finish(std::move(error));
}

void AddressRequest::finish(Result<Url> address) {
  const Done done = std::move(done_);
  done(std::move(address));
}

}  // namespace genpro::job
