// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/reader.h"

#include <algorithm>
#include <utility>

#include "clip/container.h"
#include "clip/fetcher.h"

namespace genpro::clip {

namespace {

// Who has not asked for that long stands still, and is not just busy with the block before.
constexpr std::chrono::milliseconds longest_absence{500};
// Who has read for that long and still waits for nobody reads as slowly as a player.
constexpr std::chrono::seconds longest_lead{5};

// All blocks as one: they are small and few.
Reader::Block join(const std::deque<Reader::Block>& blocks) {
  const Owned<GByteArray, g_byte_array_unref> joined(g_byte_array_new());
  for (const Reader::Block& block : blocks) {
    gsize size = 0;
    const auto* data = static_cast<const guint8*>(g_bytes_get_data(block.bytes.get(), &size));
    g_byte_array_append(joined.get(), data, static_cast<guint>(size));
  }
  return {BytesPtr(g_bytes_new(joined->data, joined->len)), blocks.front().offset};
}

}  // namespace

bool Reader::Shared::is_ready() const {
  if (ended || error) return true;
  return taken ? !blocks.empty() : queued >= container_head_size;
}

bool Reader::Shared::is_wanted() const {
  return waiting || std::chrono::steady_clock::now() - asked_at < longest_absence;
}

Reader::Reader(std::shared_ptr<Runtime> runtime, ReaderSettings settings)
    : runtime_(std::move(runtime)),
      channel_(std::make_shared<Guarded<Shared>>()),
      archive_(settings.archive) {
  {
    auto shared = channel_->lock();
    shared->address = settings.url;
    shared->asked_at = std::chrono::steady_clock::now();
  }
  if (!settings.file.empty()) {
    file_ = std::make_unique<KeptFile>(settings.file,
                                       std::max(settings.read_size, container_head_size));
    max_size_ = settings.max_size;
    return;
  }
  fetcher_ = std::make_shared<Fetcher>(*runtime_, std::move(settings), channel_);
  runtime_->post([fetcher = fetcher_] { fetcher->seek(0, 0); });
}

Reader::~Reader() {
  if (!fetcher_) return;
  // The fetcher's last reference goes on the runtime thread, where its timers and calls live.
  runtime_->post([fetcher = std::move(fetcher_)] { fetcher->cancel(); });
}

Reader::Outcome Reader::read_file(const std::stop_token& interrupted) {
  std::optional<KeptFile::Piece> piece;
  std::uint64_t position = 0;
  do {  // until nobody has sought meanwhile
    position = channel_->lock()->position;
    piece = file_->read(position, interrupted);
    if (interrupted.stop_requested()) return Interrupted{};
  } while (channel_->lock()->position != position);
  auto shared = channel_->lock();
  Error error;
  error.kind = shared->taken ? ErrorKind::read : ErrorKind::open_read;
  if (!piece) {
    error.message = "The clip could not be read from the file " + file_->path() +
                    ": its disk does not answer. See to that, or set archive to another folder.";
    return error;
  }
  if (piece->problem != 0) {
    error.message = "The clip could not be read from the file " + file_->path() + ": " +
                    g_strerror(piece->problem) + ". Start again.";
    return error;
  }
  if (piece->file_size > max_size_) {
    error.kind = ErrorKind::too_large;
    error.message = "The clip " + file_->path() + " has " + std::to_string(piece->file_size) +
                    " bytes, more than max-clip-size allows (" + std::to_string(max_size_) +
                    "). Raise max-clip-size to take it.";
    return error;
  }
  shared->info = ClipInfo{.size = piece->file_size, .seekable = true, .content_type = {}};
  if (!piece->bytes) return End{};
  shared->taken = true;
  shared->position = position + g_bytes_get_size(piece->bytes.get());
  return Block{std::move(piece->bytes), position};
}

Reader::Outcome Reader::read(const std::stop_token& interrupted) {
  if (file_) return read_file(interrupted);
  Outcome outcome = fetch(interrupted);
  if (archive_) keep(outcome, interrupted);
  return outcome;
}

// What comes out here is proven to be of the clip.
void Reader::keep(const Outcome& outcome, const std::stop_token& interrupted) {
  std::uint64_t epoch = 0;
  bool is_slow = false;
  {
    auto shared = channel_->lock();
    epoch = shared->epoch;
    is_slow = shared->fetching == Fetching::full;
  }
  if (const auto* block = std::get_if<Block>(&outcome)) {
    gsize size = 0;
    const auto* data =
        static_cast<const unsigned char*>(g_bytes_get_data(block->bytes.get(), &size));
    // A page that is sent in place of a clip is none to be kept.
    if (block->offset == 0 && !identify_container({data, size})) archive_.reset();
    if (!archive_) return;
    const auto known = info();
    if (is_slow && std::chrono::steady_clock::now() - started_ > longest_lead) {
      archive_->end_lease();
    }
    archive_->add(block->offset, block->bytes.get(), known ? known->size : std::nullopt,
                  interrupted);
    kept_to_ = {epoch, block->offset + size};
  } else if (std::holds_alternative<End>(outcome) && kept_to_ && kept_to_->first == epoch) {
    archive_->end(kept_to_->second);
  }
}

void Reader::wait_for_archive(const std::stop_token& interrupted,
                              std::chrono::milliseconds longest) {
  if (archive_) archive_->wait(interrupted, longest);
}

Reader::Outcome Reader::fetch(const std::stop_token& interrupted) {
  auto shared = channel_->lock();
  if (!shared->is_ready()) {
    if (shared->fetching == Fetching::asleep || shared->failed_unwanted) wake(*shared);
    shared->waiting = true;
    shared.wait(interrupted, [](const Shared& s) { return s.is_ready(); });
    shared->waiting = false;
  }
  shared->asked_at = std::chrono::steady_clock::now();
  if (interrupted.stop_requested()) return Interrupted{};
  const bool has_block = !shared->blocks.empty() &&
                         (shared->taken || shared->ended || shared->queued >= container_head_size);
  if (has_block) {
    if (!shared->taken &&
        g_bytes_get_size(shared->blocks.front().bytes.get()) < container_head_size) {
      Block head = join(shared->blocks);
      shared->blocks.clear();
      shared->blocks.push_back(std::move(head));
    }
    shared->taken = true;
    Block block = std::move(shared->blocks.front());
    shared->blocks.pop_front();
    shared->queued -= g_bytes_get_size(block.bytes.get());
    // Half the read-ahead is refilled at a time, so that the two threads wake each other rarely.
    if (shared->fetching == Fetching::full && shared->queued <= read_ahead / 2) wake(*shared);
    return block;
  }
  if (shared->error) return *shared->error;
  return End{};
}

void Reader::wake(Shared& shared) {
  shared.fetching = Fetching::runs;
  shared.failed_unwanted = false;
  runtime_->post([fetcher = fetcher_, epoch = shared.epoch] { fetcher->resume(epoch); });
}

void Reader::seek(std::uint64_t offset) {
  auto shared = channel_->lock();
  shared->position = offset;
  if (!fetcher_) return;
  shared->blocks.clear();
  shared->queued = 0;
  shared->fetching = Fetching::runs;
  shared->failed_unwanted = false;
  shared->ended = false;
  shared->error.reset();
  const std::uint64_t epoch = ++shared->epoch;
  runtime_->post([fetcher = fetcher_, offset, epoch] { fetcher->seek(offset, epoch); });
}

std::string Reader::take_warning() {
  std::string warning = std::exchange(channel_->lock()->warning, {});
  return warning.empty() && archive_ ? archive_->take_problem() : warning;
}

}  // namespace genpro::clip
