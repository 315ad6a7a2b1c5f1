// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/reader.h"

#include "clip/fetcher.h"

namespace genpro::clip {

Reader::Reader(std::shared_ptr<Runtime> runtime, ReaderSettings settings)
    : runtime_(std::move(runtime)),
      channel_(std::make_shared<Guarded<Shared>>()),
      fetcher_(std::make_shared<Fetcher>(*runtime_, std::move(settings), channel_)) {
  runtime_->post([fetcher = fetcher_] { fetcher->seek(0, 0); });
}

Reader::~Reader() {
  // The fetcher's last reference goes on the runtime thread, where its timers and calls live.
  runtime_->post([fetcher = std::move(fetcher_)] { fetcher->cancel(); });
}

Reader::Outcome Reader::read(std::uint64_t begun_at) {
  auto shared = channel_->lock();
  shared.wait([begun_at](const Shared& s) {
    return s.interruption.concerns(begun_at) || !s.blocks.empty() || s.ended || s.error;
  });
  if (shared->interruption.concerns(begun_at)) return Interrupted{};
  if (!shared->blocks.empty()) {
    Block block = std::move(shared->blocks.front());
    shared->blocks.pop_front();
    shared->queued -= g_bytes_get_size(block.bytes.get());
    // Half the read-ahead is refilled at a time, so that the two threads wake each other rarely.
    if (shared->fetcher_waits && shared->queued <= read_ahead / 2) {
      shared->fetcher_waits = false;
      runtime_->post([fetcher = fetcher_, epoch = shared->epoch] { fetcher->resume(epoch); });
    }
    return block;
  }
  if (shared->error) return *shared->error;
  return End{};
}

void Reader::seek(std::uint64_t offset) {
  auto shared = channel_->lock();
  shared->blocks.clear();
  shared->queued = 0;
  shared->fetcher_waits = false;
  shared->ended = false;
  shared->error.reset();
  const std::uint64_t epoch = ++shared->epoch;
  runtime_->post([fetcher = fetcher_, offset, epoch] { fetcher->seek(offset, epoch); });
}

void Reader::set_interruption(const Interruption& interruption) {
  auto shared = channel_->lock();
  shared->interruption = interruption;
  shared.notify();
}

std::optional<ClipInfo> Reader::info() {
  return channel_->lock()->info;
}

}  // namespace genpro::clip
