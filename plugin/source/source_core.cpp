// SPDX-License-Identifier: LGPL-2.1-or-later
#include "source/source_core.h"

#include <algorithm>

#include "base/text.h"
#include "clip/container.h"
#include "common/enums.h"
#include "common/logging.h"
#include "job/deferred_shutdown.h"

#define GST_CAT_DEFAULT source_debug

namespace genpro {

namespace {

using clip::Reader;
using job::Status;

CapsPtr caps_of(clip::Container container) {
  switch (container) {
    case clip::Container::mpeg4_3gpp:
      return CapsPtr(gst_caps_new_empty_simple("application/x-3gp"));
    case clip::Container::quicktime:
      return CapsPtr(
          gst_caps_new_simple("video/quicktime", "variant", G_TYPE_STRING, "apple", nullptr));
    case clip::Container::fragmented:
      return CapsPtr(gst_caps_new_simple("video/quicktime", "variant", G_TYPE_STRING,
                                         "iso-fragmented", nullptr));
    case clip::Container::iso:
      break;
  }
  return CapsPtr(gst_caps_new_simple("video/quicktime", "variant", G_TYPE_STRING, "iso", nullptr));
}

std::string describe(const job::Update& update) {
  if (update.is_earlier) {
    return "Generation " + update.generation_id +
           " was asked for before and is picked up: nothing new is charged";
  }
  if (update.is_waiting) {
    return "Waiting for another run, which has a request under way on this cell";
  }
  if (update.generation_id.empty()) return "The request is being submitted";
  return "Generation " + update.generation_id + " is " + status_nick(update.status);
}

std::string describe(job::Shutdown shutdown, bool has_ledger) {
  switch (shutdown) {
    case job::Shutdown::stopped:
      return "The generation is stopped, and the service refunds it";
    case job::Shutdown::left_to_others:
      return "The generation goes on for another one that follows it";
    case job::Shutdown::noted:
      return has_ledger ? "The service did not take the request to stop the generation in time; "
                          "the next run sends it"
                        : "The service did not take the request to stop the generation in time";
    case job::Shutdown::nothing:
      break;
  }
  return "Stopped waiting for the generation";
}

constexpr const char* no_ledger_warning =
    "No ledger is kept: a generation whose pipeline is killed is not picked up but paid for again "
    "by the next run, and each of several processes that ask for the same video is charged for it. "
    "Set ledger to a file to be safe from that.";

}  // namespace

bool SourceCore::start(const Settings& settings, std::size_t block_size) {
  {
    auto run = run_.lock();
    *run = Run{.interruption = run->interruption};
  }
  stream_ = Stream{.settings = settings, .block_size = block_size};
  auto job_settings = make_job_settings(settings);
  if (!job_settings) {
    *properties_.lock() = Properties{.status = Status::failed};
    Error& error = job_settings.error();
    error.charged = Charged::no;
    error.retryable = false;
    GST_ERROR_OBJECT(element_, "cannot start: %s", error.message.c_str());
    post_error(element_, error);
    run_.lock()->state = Failed{};
    return false;
  }
  if (const auto* request = std::get_if<api::GenerationRequest>(&job_settings->subject)) {
    stream_.title = request->prompt;
    for (const std::string& warning : request->warnings) {
      warn(GST_RESOURCE_ERROR_SETTINGS, warning);
    }
    if (settings.ledger.empty()) {
      warn(GST_RESOURCE_ERROR_SETTINGS, no_ledger_warning);
    }
  }
  *properties_.lock() = Properties{.generation_id = settings.generation_id};

  pipeline_errors_ = std::make_unique<ErrorWatch>(element_);
  stream_.is_in_progress = true;
  post_progress(element_, GST_PROGRESS_TYPE_START,
                settings.generation_id.empty()
                    ? "Asking GEN for a video"
                    : "Attaching to generation " + settings.generation_id);
  job_settings->access.log_id = take_string(gst_object_get_name(GST_OBJECT(element_)));
  GST_INFO_OBJECT(element_,
                  "starts: sheet %s, cell %s, agent %s, generation-id %s, API %s, ledger %s",
                  settings.sheet_id.c_str(), settings.cell_id.c_str(), settings.agent_id.c_str(),
                  settings.generation_id.empty() ? "none" : settings.generation_id.c_str(),
                  job_settings->access.base.text.c_str(),
                  settings.ledger.empty() ? "none" : settings.ledger.c_str());
  auto runtime = Runtime::acquire();
  auto job = job::Job::start(runtime, std::move(*job_settings));
  shutdown_group_ = std::make_unique<ShutdownGroupMember>(element_, job);
  auto run = run_.lock();
  run->runtime = std::move(runtime);
  run->job = std::move(job);
  return true;
}

void SourceCore::stop() {
  std::shared_ptr<Runtime> runtime;
  std::shared_ptr<job::Job> job;
  {
    auto run = run_.lock();
    runtime = std::move(run->runtime);
    job = std::move(run->job);
  }
  const Settings& settings = stream_.settings;
  if (job && settings.waits_for_shutdown) begin_shutdown_with(element_);
  shutdown_group_.reset();
  const job::Delivery delivery{stream_.pushed.size(), is_delivered()};
  GST_INFO_OBJECT(element_, "stops: the clip is %s", delivery_text());
  // Reading ends here. The rest of the state stays for queries until the next run.
  (void)take_reader();
  auto shutdown = job::Shutdown::nothing;
  if (job && settings.waits_for_shutdown) shutdown = job->shut_down(delivery);
  if (job && !settings.waits_for_shutdown) job::shut_down_later(std::move(job), delivery);
  pipeline_errors_.reset();
  job.reset();
  runtime.reset();
  {
    auto properties = properties_.lock();
    if (properties->status != Status::done && properties->status != Status::failed &&
        properties->status != Status::stopped) {
      properties->status = Status::idle;
    }
  }
  end_progress(GST_PROGRESS_TYPE_CANCELED, describe(shutdown, !settings.ledger.empty()));
}

void SourceCore::set_interrupted(bool interrupted) {
  auto run = run_.lock();
  if (interrupted) {
    run->interruption.request_stop();
  } else if (run->interruption.stop_requested()) {
    run->interruption = std::stop_source();
  }
}

GstFlowReturn SourceCore::create(std::uint64_t offset, GstBuffer** buffer) {
  // The error was posted; whoever goes on pulling gets no second one.
  if (has_failed()) return GST_FLOW_ERROR;
  // An interruption from here on concerns this call, also one that is over before it is seen: an
  // EOS event that the application sends comes as such a one.
  const std::stop_token interrupted = run_.lock()->interruption.get_token();
  const GstFlowReturn result = advance(offset, interrupted, buffer);
  if (result == GST_FLOW_FLUSHING && run_.lock()->is_eos_announced) {
    // An application waits for the progress to end before it goes on to PLAYING, where alone the
    // EOS reaches it.
    end_progress(GST_PROGRESS_TYPE_CANCELED, "Ended before the generation was completed");
  }
  return result;
}

GstFlowReturn SourceCore::advance(std::uint64_t offset, const std::stop_token& interrupted,
                                  GstBuffer** buffer) {
  if (!reader()) {
    const GstFlowReturn ready = await_clip(interrupted);
    if (ready != GST_FLOW_OK) return ready;
  }
  Reader::Block block;
  const GstFlowReturn read = next_block(offset, interrupted, &block);
  if (read != GST_FLOW_OK) return read;

  std::size_t length = g_bytes_get_size(block.bytes.get());
  if (stream_.stop && block.offset + length > *stream_.stop) {
    if (block.offset >= *stream_.stop) return GST_FLOW_EOS;
    length = *stream_.stop - block.offset;
    block.bytes.reset(g_bytes_new_from_bytes(block.bytes.get(), 0, length));
  }
  send_tags();
  stream_.pushed.add(block.offset, block.offset + length);
  if (const auto total = size(); total && stream_.pushed.covers(*total)) report(Status::done);

  GST_TRACE_OBJECT(element_, "pushes bytes %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                   block.offset, block.offset + length);
  BufferPtr result(gst_buffer_new_wrapped_bytes(block.bytes.get()));
  GST_BUFFER_OFFSET(result.get()) = block.offset;
  GST_BUFFER_OFFSET_END(result.get()) = block.offset + length;
  *buffer = result.release();
  return GST_FLOW_OK;
}

GstFlowReturn SourceCore::await_clip(const std::stop_token& interrupted) {
  const std::shared_ptr<job::Job> job = run_.lock()->job;
  if (!job) return GST_FLOW_FLUSHING;
  while (auto update = job->wait(interrupted)) {
    if (update->doubt) report_doubt(*update->doubt);
    if (!update->warning.empty()) {
      warn(GST_RESOURCE_ERROR_WRITE, update->warning);
      continue;
    }
    report(update->status, &*update);
    if (update->error) return fail(std::move(*update->error));
    if (!update->progress.empty()) {
      post_progress(element_, GST_PROGRESS_TYPE_CONTINUE, update->progress);
    } else if (!update->doubt && (!update->clip || update->is_earlier)) {
      post_progress(element_, GST_PROGRESS_TYPE_CONTINUE, describe(*update));
    }
    if (update->clip) {
      open(*update);
      return GST_FLOW_OK;
    }
  }
  return GST_FLOW_FLUSHING;
}

void SourceCore::open(const job::Update& update) {
  auto runtime = Runtime::acquire_for_clip();
  auto run = run_.lock();
  if (!run->job) return;
  auto settings = make_reader_settings(stream_.settings, *update.clip, stream_.block_size);
  settings.log_id = take_string(gst_object_get_name(GST_OBJECT(element_)));
  settings.fresh_address = [job = std::weak_ptr(run->job)](clip::ReaderSettings::AddressDone done) {
    if (const auto asked = job.lock()) asked->ask_address(std::move(done));
  };
  auto reader = std::make_shared<Reader>(std::move(runtime), std::move(settings));
  run->state = Reading{.reader = std::move(reader)};
}

GstFlowReturn SourceCore::next_block(std::uint64_t offset, const std::stop_token& interrupted,
                                     Reader::Block* block) {
  const std::shared_ptr<Reader> reader = this->reader();
  if (!reader) return GST_FLOW_FLUSHING;
  Reader::Outcome outcome = reader->read(interrupted);
  if (std::holds_alternative<Reader::Interrupted>(outcome)) return GST_FLOW_FLUSHING;
  if (auto* error = std::get_if<Error>(&outcome)) return fail(std::move(*error));
  if (std::holds_alternative<Reader::End>(outcome)) return finish_clip();

  *block = std::move(std::get<Reader::Block>(outcome));
  if (!is_identified()) {
    const GstFlowReturn identity = identify(*reader, *block);
    if (identity != GST_FLOW_OK) return identity;
  }
  if (block->offset != offset) {
    Error error;
    error.kind = ErrorKind::read;
    error.message = "Byte " + std::to_string(block->offset) + " of the clip came where byte " +
                    std::to_string(offset) + " was due. Start again.";
    return fail(std::move(error));
  }
  stream_.next_offset = offset + g_bytes_get_size(block->bytes.get());
  return GST_FLOW_OK;
}

GstFlowReturn SourceCore::identify(Reader& reader, const Reader::Block& block) {
  gsize size = 0;
  const auto* data = static_cast<const unsigned char*>(g_bytes_get_data(block.bytes.get(), &size));
  const auto container = clip::identify_container({data, size});
  const auto info = reader.info();
  if (!container) {
    Error error;
    error.kind = ErrorKind::wrong_type;
    const std::string type = info ? one_line(info->content_type, 60) : "";
    error.message = "What the service gives as the clip is no MP4" +
                    (type.empty() ? "" : " (it is sent as " + type + ")") +
                    ". Try again later, or ask the service's support for the clip.";
    error.debug = "it begins with: " +
                  one_line({reinterpret_cast<const char*>(data), std::min<gsize>(size, 60)}, 60);
    return fail(std::move(error));
  }
  if (auto run = run_.lock(); auto* reading = std::get_if<Reading>(&run->state)) {
    reading->is_identified = true;
  }
  GST_INFO_OBJECT(element_, "reads a clip of %s bytes, %s",
                  info && info->size ? std::to_string(*info->size).c_str() : "unknown",
                  info && info->seekable ? "seekable" : "not seekable");
  pad_.set_caps(caps_of(*container));
  if (info && info->size) pad_.set_size(*info->size);
  report(Status::streaming);
  const Properties known = *properties_.lock();
  std::string text = "Generation " + known.generation_id + " is completed";
  if (known.cost >= 0) text += ", cost " + number_text(known.cost);
  end_progress(GST_PROGRESS_TYPE_COMPLETE, text);
  return GST_FLOW_OK;
}

GstFlowReturn SourceCore::finish_clip() {
  // Without a size, only a reading from the first byte to the end is known to be whole.
  if (!size() && stream_.pushed.covers(stream_.next_offset)) report(Status::done);
  if (auto run = run_.lock(); auto* reading = std::get_if<Reading>(&run->state)) {
    reading->is_at_end = true;
  }
  return GST_FLOW_EOS;
}

// The base class also pushes EOS after a flow error and where the application cuts the stream
// short, and neither delivers the clip. Otherwise an element downstream has returned EOS, as a
// demuxer does that has all that it needs.
void SourceCore::note_end(bool is_limited) {
  if (status() != Status::done) return;
  auto run = run_.lock();
  auto* reading = std::get_if<Reading>(&run->state);
  const bool is_cut_short = is_limited || stream_.stop || run->is_eos_announced;
  if (reading != nullptr && (reading->is_at_end || !is_cut_short)) reading->is_pushed = true;
}

// An element downstream may fail long after the last push: behind a queue, or when it ends.
bool SourceCore::is_delivered() {
  if (pipeline_errors_ && pipeline_errors_->has_seen_one()) return false;
  auto run = run_.lock();
  const auto* reading = std::get_if<Reading>(&run->state);
  return reading != nullptr && reading->is_pushed && !run->has_posted_error;
}

const char* SourceCore::delivery_text() {
  if (is_delivered()) return "delivered";
  if (status() != Status::done) return "not delivered, since not all of it was pushed";
  return "not delivered, since its end was not pushed, or there was an error in the pipeline";
}

void SourceCore::send_tags() {
  if (stream_.tags == Tags::sent) return;
  // Queued tags go out with the buffer behind them, unless a flush drops both.
  if (stream_.tags == Tags::queued) {
    stream_.tags = Tags::sent;
    return;
  }
  TagListPtr tags(gst_tag_list_new_empty());
  const std::string id = properties_.lock()->generation_id;
  const std::string model =
      stream_.settings.generation_id.empty() ? stream_.settings.model_word() : "";
  const std::string comment = "generation-id=" + id;
  gst_tag_list_add(tags.get(), GST_TAG_MERGE_REPLACE, GST_TAG_COMMENT, id.c_str(),
                   GST_TAG_EXTENDED_COMMENT, comment.c_str(), nullptr);
  if (!stream_.title.empty()) {
    gst_tag_list_add(tags.get(), GST_TAG_MERGE_REPLACE, GST_TAG_TITLE, stream_.title.c_str(),
                     nullptr);
  }
  if (!model.empty()) {
    gst_tag_list_add(tags.get(), GST_TAG_MERGE_REPLACE, GST_TAG_ENCODER, model.c_str(), nullptr);
  }
  stream_.tags = Tags::queued;
  pad_.queue_tags(std::move(tags));
}

bool SourceCore::seek(std::uint64_t position, std::optional<std::uint64_t> stop) {
  const std::shared_ptr<Reader> reader = this->reader();
  if (!reader && position != 0) return false;
  GST_DEBUG_OBJECT(element_, "continues at byte %" G_GUINT64_FORMAT, position);
  stream_.stop = stop;
  if (auto run = run_.lock(); auto* reading = std::get_if<Reading>(&run->state)) {
    reading->is_at_end = false;
  }
  if (stream_.tags == Tags::queued) stream_.tags = Tags::unsent;
  if (reader && position != stream_.next_offset) {
    reader->seek(position);
    stream_.next_offset = position;
  }
  return true;
}

void SourceCore::report(Status status, const job::Update* update) {
  GenerationReport message;
  bool status_changed = false;
  bool id_changed = false;
  bool cost_changed = false;
  {
    auto properties = properties_.lock();
    status_changed = properties->status != status;
    properties->status = status;
    if (update != nullptr) {
      id_changed =
          !update->generation_id.empty() && properties->generation_id != update->generation_id;
      if (id_changed) properties->generation_id = update->generation_id;
      cost_changed = update->cost && properties->cost != *update->cost;
      if (cost_changed) properties->cost = *update->cost;
    }
    message.status = status;
    message.generation_id = properties->generation_id;
    message.cost = properties->cost;
  }
  if (id_changed) pad_.notify("generation-id");
  if (cost_changed) pad_.notify("cost");
  if (!status_changed) return;
  if (stream_.settings.generation_id.empty()) message.model = stream_.settings.model_word();
  message.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - stream_.started);
  GST_INFO_OBJECT(element_, "is %s after %.1f s, generation %s, cost %s", status_nick(status),
                  static_cast<double>(message.elapsed.count()) / 1000.0,
                  message.generation_id.empty() ? "not known" : message.generation_id.c_str(),
                  message.cost < 0 ? "not known" : number_text(message.cost).c_str());
  pad_.notify("status");
  post_generation(element_, message);
}

void SourceCore::report_doubt(const job::DoubtNotice& doubt) {
  if (!doubt.is_settled) return post_doubt(element_, doubt);
  post_doubt_settled(element_, doubt);
  if (doubt.evidence == "likely") {
    warn(GST_RESOURCE_ERROR_FAILED, doubt.reason);
  }
}

void SourceCore::warn(GstResourceError code, const std::string& text) {
  GST_WARNING_OBJECT(element_, "%s", text.c_str());
  post_warning(element_, code, text);
}

GstFlowReturn SourceCore::fail(Error error) {
  if (error.generation_id.empty()) error.generation_id = properties_.lock()->generation_id;
  // A generation that has a clip was paid for. Who paid for one that `generation-id` names is not
  // known.
  const bool is_attached = !stream_.settings.generation_id.empty();
  if (!error.charged && !is_attached && reader()) error.charged = Charged::yes;
  if (status() != Status::stopped) report(Status::failed);
  GST_ERROR_OBJECT(element_, "%s (%s)", error.message.c_str(), error.debug.c_str());
  post_error(element_, error);
  const std::shared_ptr<Reader> unread = take_reader();
  run_.lock()->state = Failed{};
  end_progress(GST_PROGRESS_TYPE_ERROR, error.message);
  return GST_FLOW_ERROR;
}

void SourceCore::end_progress(GstProgressType type, const std::string& text) {
  if (!stream_.is_in_progress) return;
  stream_.is_in_progress = false;
  post_progress(element_, type, text);
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

bool SourceCore::is_seekable() {
  if (!is_identified()) return false;
  const std::shared_ptr<Reader> reader = this->reader();
  const auto info = reader ? reader->info() : std::nullopt;
  return info && info->seekable;
}

std::optional<std::uint64_t> SourceCore::size() {
  const std::shared_ptr<Reader> reader = this->reader();
  const auto info = reader ? reader->info() : std::nullopt;
  return info ? info->size : std::nullopt;
}

std::string SourceCore::uri() {
  const std::shared_ptr<Reader> reader = this->reader();
  return reader ? reader->address().without_query() : "";
}

Status SourceCore::status() {
  return properties_.lock()->status;
}

double SourceCore::cost() {
  return properties_.lock()->cost;
}

std::string SourceCore::generation_id(const Settings& settings) {
  auto properties = properties_.lock();
  return properties->generation_id.empty() ? settings.generation_id : properties->generation_id;
}

}  // namespace genpro
