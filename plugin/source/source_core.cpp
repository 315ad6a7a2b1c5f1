// SPDX-License-Identifier: LGPL-2.1-or-later
#include "source/source_core.h"

#include "common/logging.h"

#define GST_CAT_DEFAULT source_debug

namespace genpro {

namespace {

using clip::Reader;
using job::Status;

}  // namespace

bool SourceCore::start(const Settings& settings, std::size_t block_size, bool is_pulled) {
  auto generation = attached_;
  if (!generation) {
    generation = std::make_shared<Generation>(
        settings, take_string(gst_object_get_name(GST_OBJECT(element_))),
        [element = element_](const Report& report) { post(element, source_debug, report); });
  }
  {
    auto run = run_.lock();
    *run = Run{.generation = generation, .interruption = run->interruption};
  }
  stream_ =
      Stream{.block_size = block_size, .is_pulled = is_pulled, .has_faststart = settings.faststart};
  pipeline_ = std::make_unique<PipelineWatch>(element_);
  if (attached_) {
    open(*attached_->clip());
    return true;
  }
  if (!generation->start()) {
    run_.lock()->state = Failed{};
    return false;
  }
  shutdown_group_ = std::make_unique<ShutdownGroupMember>(element_, generation->job());
  return true;
}

void SourceCore::stop() {
  const std::shared_ptr<Generation> generation = this->generation();
  if (!attached_ && generation->job()) begin_shutdown_with(element_);
  shutdown_group_.reset();
  const job::Delivery delivery{stream_.pushed.size(), is_delivered()};
  GST_INFO_OBJECT(element_, "stops: the clip is %s", delivery_text());
  // Reading ends here. The rest of the state stays for queries until the next run.
  stream_.fast_start.reset();
  stream_.random_reader.reset();
  if (const auto reader = take_reader()) tell_warning(*reader);
  attached_ ? generation->shut_down_later(delivery) : generation->shut_down(delivery);
  pipeline_.reset();
}

void SourceCore::set_interrupted(bool interrupted) {
  auto run = run_.lock();
  if (interrupted) {
    run->interruption.request_stop();
  } else if (run->interruption.stop_requested()) {
    run->interruption = std::stop_source();
  }
}

GstFlowReturn SourceCore::create(std::uint64_t offset, std::size_t length, GstBuffer** buffer) {
  // The error was posted; whoever goes on pulling gets no second one.
  if (has_failed()) return GST_FLOW_ERROR;
  // An interruption from here on concerns this call, also one that is over before it is seen: an
  // EOS event that the application sends comes as such a one.
  const std::stop_token interrupted = run_.lock()->interruption.get_token();
  const GstFlowReturn result = advance(offset, length, interrupted, buffer);
  if (result == GST_FLOW_FLUSHING && run_.lock()->is_eos_announced) cancel_progress();
  return result;
}

// An application waits for the progress to end before it goes on to PLAYING, where alone the EOS
// reaches it.
void SourceCore::cancel_progress() {
  generation()->end_progress(GST_PROGRESS_TYPE_CANCELED,
                             "Ended before the generation was completed");
}

GstFlowReturn SourceCore::await_clip(const std::stop_token& interrupted) {
  const std::shared_ptr<Generation> generation = this->generation();
  const std::shared_ptr<job::Job> job = generation->job();
  if (!job) return GST_FLOW_FLUSHING;
  while (true) {
    auto update = job->wait(interrupted, generation->progress_due());
    if (interrupted.stop_requested()) return GST_FLOW_FLUSHING;
    if (!update) {
      generation->tell_progress();
      continue;
    }
    generation->handle(*update);
    if (update->error) return end_in_error();
    if (update->clip) {
      open(std::move(*update->clip));
      return GST_FLOW_OK;
    }
  }
}

void SourceCore::open(job::FinishedClip clip) {
  auto runtime = Runtime::acquire_for_clip();
  auto run = run_.lock();
  const auto job = run->generation->job();
  if (!job) return;
  auto settings =
      make_reader_settings(run->generation->settings(), std::move(clip), stream_.block_size);
  settings.log_id = run->generation->name();
  settings.fresh_address = [job = std::weak_ptr(job)](clip::ReaderSettings::AddressDone done) {
    if (const auto asked = job.lock()) asked->ask_address(std::move(done));
  };
  run->state = Reading{.reader = std::make_shared<Reader>(std::move(runtime), std::move(settings))};
}

// The base class also pushes EOS after a flow error and where the application cuts the stream
// short, and neither delivers the clip. Otherwise an element downstream has returned EOS, as a
// demuxer does that has all that it needs.
void SourceCore::note_end(bool is_limited) {
  cancel_progress();
  if (report().status != Status::done) return;
  auto run = run_.lock();
  auto* reading = std::get_if<Reading>(&run->state);
  const bool is_cut_short = is_limited || stream_.stop || run->is_eos_announced;
  if (reading != nullptr && (reading->is_at_end || !is_cut_short)) reading->is_pushed = true;
}

// An element downstream may fail long after the last push: behind a queue, or when it ends.
bool SourceCore::is_delivered() {
  if (!pipeline_ || pipeline_->has_failed()) return false;
  const bool is_done = report().status == Status::done;
  auto run = run_.lock();
  const auto* reading = std::get_if<Reading>(&run->state);
  if (reading == nullptr || run->has_posted_error) return false;
  if (!stream_.is_pulled) return reading->is_pushed;
  // In pull mode the puller makes the EOS.
  return is_done && !run->is_eos_announced && (reading->is_at_end || pipeline_->has_ended());
}

const char* SourceCore::delivery_text() {
  if (is_delivered()) return "delivered";
  if (report().status != Status::done) return "not delivered, since not all of it was pushed";
  return "not delivered, since its end was not pushed, or there was an error in the pipeline";
}

GstFlowReturn SourceCore::fail(Error error) {
  generation()->fail(std::move(error));
  return end_in_error();
}

GstFlowReturn SourceCore::end_in_error() {
  stream_.fast_start.reset();
  stream_.random_reader.reset();
  const std::shared_ptr<Reader> unread = take_reader();
  run_.lock()->state = Failed{};
  return GST_FLOW_ERROR;
}

std::shared_ptr<Reader> SourceCore::reader() {
  auto run = run_.lock();
  const auto* reading = std::get_if<Reading>(&run->state);
  return reading != nullptr ? reading->reader : nullptr;
}

std::shared_ptr<Reader> SourceCore::take_reader() {
  auto run = run_.lock();
  auto* reading = std::get_if<Reading>(&run->state);
  return reading != nullptr ? std::move(reading->reader) : nullptr;
}

bool SourceCore::is_identified() {
  auto run = run_.lock();
  const auto* reading = std::get_if<Reading>(&run->state);
  return reading != nullptr && reading->is_identified;
}

// Without ranges as well, see seek(). Without a size, a demuxer would not seek.
bool SourceCore::is_seekable() {
  return is_identified() && size();
}

std::optional<std::uint64_t> SourceCore::size() {
  const std::shared_ptr<Reader> reader = this->reader();
  const auto info = reader ? reader->info() : std::nullopt;
  return info ? info->size : std::nullopt;
}

GenerationReport SourceCore::report() {
  const std::shared_ptr<Generation> generation = this->generation();
  return generation ? generation->report() : GenerationReport();
}

}  // namespace genpro
