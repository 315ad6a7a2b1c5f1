// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/playout_control.h"

#include <pthread.h>

#include <algorithm>
#include <limits>
#include <thread>

#include "base/callback.h"
#include "base/threads/thread_owner.h"
#include "common/logging.h"
#include "source/genprosrc.h"

#define GST_CAT_DEFAULT genpro::bin_debug

namespace genpro::bin {

namespace {

// Changes that come closer together than this are one.
constexpr std::chrono::milliseconds debounce{500};
// How often the slate may change.
constexpr std::chrono::milliseconds slate_period{250};
// A stop waits that long for a handler of the application: longer than most of them take.
constexpr std::chrono::milliseconds longest_handler{250};

ProgressReport stopped_waiting() {
  return {GST_PROGRESS_TYPE_CANCELED, "Stopped waiting for the generation"};
}

}  // namespace

// Ends with the run. Whoever waits for it has seen that it has ended, but for the process, which
// does not exit before; an exit from within a handler is the one case in which it cannot end.
class PlayoutControl::Thread : public ThreadOwner {
 public:
  explicit Thread(std::shared_ptr<PlayoutControl> control)
      : thread_([this, control = std::move(control)]() mutable {
          pthread_setname_np(pthread_self(), "genpro-playout");
          control->run();
          control.reset();
          set_ended();
        }) {}
  ~Thread() override {
    if (is_current()) {
      thread_.detach();
    } else {
      thread_.join();
    }
  }
  bool is_current() const { return thread_.get_id() == std::this_thread::get_id(); }

 private:
  std::thread thread_;
};

std::shared_ptr<PlayoutControl> PlayoutControl::create(GstElement* element,
                                                       const Settings& settings,
                                                       SharedItems items) {
  auto control = std::make_shared<PlayoutControl>(Access(), element, settings, std::move(items));
  const std::weak_ptr<PlayoutControl> weak = control;
  using Decoder = std::shared_ptr<ClipDecoder>;
  Timeline::Events events{
      [weak](const Decoder& ended, const Decoder& started, Time time) {
        const auto self = weak.lock();
        if (!self) return;
        const auto untold = std::make_shared<char>();
        *self->playout_->untold.lock() = untold;
        self->post([=, self = self.get()] {
          self->on_changed(ended, started, time);
          (void)untold;  // goes with this task
        });
      },
      [weak](const Decoder& decoder) {
        const auto self = weak.lock();
        if (self) self->post([=, self = self.get()] { self->remove(decoder); });
      },
      [weak](const Decoder& decoder, bool is_starved) {
        const auto self = weak.lock();
        if (self) self->post([=, self = self.get()] { self->on_starved(decoder, is_starved); });
      }};
  control->add_cue_events(events);
  control->add_queue_events(events);
  control->playout_ = std::make_shared<Playout>(std::move(events));
  control->playout_->raster_changed = [weak](const Raster& raster) {
    if (const auto self = weak.lock()) self->set_raster(raster);
  };
  return control;
}

PlayoutControl::PlayoutControl(Access, GstElement* element, const Settings& settings,
                               SharedItems items)
    : element_(element),
      name_(take_string(gst_object_get_name(GST_OBJECT(element)))),
      items_(std::move(items)),
      face_(GenerationReport{.generation_id = settings.generation_id}) {}

PlayoutControl::~PlayoutControl() = default;

std::string PlayoutControl::Clip::name() const {
  return "clip " + std::to_string(number) + (is_repeat ? " (once more)" : "") +
         (id.empty() ? "" : ", generation " + id + ",");
}

bool PlayoutControl::post(Task task) {
  auto queue = queue_.lock();
  // What comes after the stop is dropped.
  if (!queue->runs) return false;
  queue->tasks.push_back(std::move(task));
  queue.notify();
  return true;
}

template <typename Argument>
std::function<void(Argument)> PlayoutControl::later_for(
    std::uint64_t number, void (PlayoutControl::*handle)(Clip&, const Argument&)) {
  return [weak = weak_from_this(), number, handle](Argument argument) {
    const auto self = weak.lock();
    if (!self) return;
    self->post([self = self.get(), number, handle, argument = std::move(argument)] {
      if (const auto clip = self->find(number)) (self->*handle)(*clip, argument);
    });
  };
}

bool PlayoutControl::call(const Call& call, bool is_last) {
  {
    auto queue = queue_.lock();
    if (!queue->runs && !is_last) return false;
    ++queue->calls;
    queue.notify();
  }
  guard_c_callback("a call of the application", [&] {
    // May be the last reference by the time that the call returns.
    if (const ElementPtr element = element_.get()) call(element.get());
  });
  auto queue = queue_.lock();
  --queue->calls;
  queue.notify();
  return queue->runs;
}

bool PlayoutControl::call_later(Call call) {
  return post([this, call = std::move(call)] { this->call(call); });
}

bool PlayoutControl::has_ended() {
  if (playout_->timeline.has_ended()) return true;
  const ElementPtr element = element_.get();
  if (!element) return false;
  bool has_end = false;
  for (const char* name : {"video", "audio"}) {
    const auto pad = ObjectPtr<GstPad>::adopt(gst_element_get_static_pad(element.get(), name));
    // The base class also sends it where the flow has ended in an error.
    const EventPtr end(gst_pad_get_sticky_event(pad.get(), GST_EVENT_EOS, 0));
    if (!end && gst_pad_is_linked(pad.get())) return false;
    has_end = has_end || end;
  }
  return has_end;
}

void PlayoutControl::emit(const char* signal, const std::string& id) {
  call([&](GstElement* element) { g_signal_emit_by_name(element, signal, id.c_str()); });
}

void PlayoutControl::notify_status() {
  for (const char* name : {"status", "cost", "estimate", "generation-id"}) {
    call([&](GstElement* element) { g_object_notify(G_OBJECT(element), name); });
  }
}

void PlayoutControl::start(const Settings& settings) {
  ThreadOwner::collect();
  GST_INFO_ID(name_.c_str(), "starts: the placeholder is on");
  if (items_->lock()->is_active()) {
    on_enqueued();
  } else {
    generate(settings);
  }
  thread_ = std::make_unique<Thread>(shared_from_this());
}

void PlayoutControl::resume() {
  auto queue = queue_.lock();
  queue->is_held = false;
  queue.notify();
}

void PlayoutControl::stop() {
  bool has_ended = false;
  {
    auto queue = queue_.lock();
    if (!queue->runs) return;
    queue->runs = false;
    queue->is_left_by_handler = thread_ && thread_->is_current();
    queue.notify();
    // Who is told of an error may stop the element while that is still being told, and end
    // GStreamer next: gst_deinit() never returns while the pipelines of clips come to an end.
    auto deadline = Clock::now();
    if (!queue->is_left_by_handler) deadline += longest_handler;
    do {
      queue.wait([](const Queue& q) { return q.has_ended || q.calls > 0; });
    } while (!queue->has_ended &&
             queue.wait_until(deadline, [](const Queue& q) { return q.calls == 0; }));
    has_ended = queue->has_ended;
  }
  set_timecode_watch(nullptr);
  if (has_ended) {
    thread_.reset();
  } else {
    ThreadOwner::retire(std::move(thread_));
  }
  {
    auto face = face_.lock();
    if (is_under_way(face->status)) face->status = job::Status::idle;
  }
  if (in_progress_.exchange(0) == 0) return;
  if (const ElementPtr element = element_.get()) {
    genpro::post(element.get(), bin_debug, stopped_waiting());
  }
}

void PlayoutControl::set_context(GstContext* context) {
  std::vector<std::shared_ptr<ClipDecoder>> decoders;
  {
    auto known = decoders_.lock();
    for (const auto& weak : *known) {
      if (auto decoder = weak.lock()) decoders.push_back(std::move(decoder));
    }
  }
  for (const auto& decoder : decoders) decoder->set_context(context);
}

// The elements that decode are in a pipeline of their own, so that the contexts of a bin's children
// go the way that GstBin gives them by hand: what the element has answers, else the application is
// asked, at once, since the child goes on without when the message returns.
bool PlayoutControl::pass_on_context(GstMessage* message) {
  const GstMessageType type = GST_MESSAGE_TYPE(message);
  if (type != GST_MESSAGE_NEED_CONTEXT && type != GST_MESSAGE_HAVE_CONTEXT) return false;
  call([&](GstElement* element) {
    GST_BIN_GET_CLASS(element)->handle_message(GST_BIN(element), gst_message_ref(message));
  });
  return true;
}

bool PlayoutControl::prepare_decoder(const std::shared_ptr<ClipDecoder>& decoder) {
  {
    auto decoders = decoders_.lock();
    std::erase_if(*decoders, [](const auto& weak) { return weak.expired(); });
    decoders->push_back(decoder);
  }
  // As a bin does with a new child.
  if (const ElementPtr element = element_.get()) {
    GList* contexts = gst_element_get_contexts(element.get());
    for (GList* each = contexts; each != nullptr; each = each->next) {
      decoder->set_context(static_cast<GstContext*>(each->data));
    }
    g_list_free_full(contexts, [](gpointer context) {
      gst_mini_object_unref(static_cast<GstMiniObject*>(context));
    });
  }
  return decoder->prepare();
}

void PlayoutControl::generate(const Settings& settings) {
  queue_.lock()->soon.reset();
  playout_->timeline.expect();
  const bool goes_first = !items_->lock()->is_active();
  if (goes_first) ++firsts_to_come_;
  post([this, settings, goes_first] {
    if (goes_first) --firsts_to_come_;
    begin(settings, goes_first);
  });
}

void PlayoutControl::generate_soon(const Settings& settings) {
  playout_->timeline.expect();
  auto queue = queue_.lock();
  queue->soon = settings;
  queue->soon_due = Clock::now() + debounce;
  queue.notify();
}

void PlayoutControl::set_at_end(AtEnd at_end) {
  at_end_ = at_end;
  playout_->timeline.set_at_end(at_end);
}

void PlayoutControl::set_fade(Time fade) {
  playout_->timeline.set_fade(fade);
  if (fade_.exchange(fade) == fade) return;
  post([this, fade] {
    for (const auto& clip : clips_) clip->decoder->decoded().set_fade(fade);
  });
}

void PlayoutControl::set_image(const std::string& location) {
  post([this, location] { load_image(location); });
}

void PlayoutControl::set_raster(const Raster& raster) {
  post([this, raster] {
    for (const auto& clip : clips_) clip->decoder->set_raster(raster);
  });
}

void PlayoutControl::run() {
  run_tasks();
  guard_c_callback("the end of a run of genprobin", [&] {
    image_.reset();
    playout_->timeline.reset();
    for (const auto& clip : clips_) note_delivery(*clip);
    clips_.clear();
    kept_.clear();
    // A task may own a clip, whose pipeline has something to say when it ends: that comes to
    // post(), so this must not happen with the lock held.
    std::deque<Task> left;
    std::swap(left, queue_.lock()->tasks);
  });
  note_end_of_queue();
  auto queue = queue_.lock();
  queue->has_ended = true;
  queue.notify();
}

void PlayoutControl::run_tasks() {
  queue_.lock().wait([](const Queue& q) { return !q.runs || !q.is_held; });
  while (true) {
    Task task;
    std::optional<Settings> due;
    {
      auto queue = queue_.lock();
      auto deadline = Clock::now() + slate_period;
      if (queue->soon) deadline = std::min(deadline, queue->soon_due);
      deadline = std::min(deadline, stats_due_);
      queue.wait_until(deadline, [](const Queue& q) { return !q.runs || !q.tasks.empty(); });
      if (!queue->runs) return;
      if (!queue->tasks.empty()) {
        task = std::move(queue->tasks.front());
        queue->tasks.pop_front();
      } else if (queue->soon && queue->soon_due <= Clock::now()) {
        due = std::exchange(queue->soon, std::nullopt);
      }
    }
    guard_c_callback("a task of a genprobin", [&] {
      if (task) task();
      if (due) begin(*due, !items_->lock()->is_active());
      if (!is_running()) return;
      for (const auto& clip : clips_) clip->decoder->check();
      for (const auto& clip : clips_) {
        if (clip->generation) clip->generation->tell_progress();
      }
      look_at_queue();
      if (!is_running()) return;
      prepare_repeat();
      look_at_image();
      update_slate();
      post_stats();
    });
  }
}

void PlayoutControl::begin(const Settings& settings, bool goes_first) {
  goes_first = goes_first || is_first_waiting();
  // What has not been shown is replaced.
  for (const auto& clip : std::vector(clips_)) {
    // What the timeline tells of one that is on by now is still to come.
    if (clip->has_started || clip->is_repeat || clip->item > 0) continue;
    if (!playout_->timeline.recall(clip->decoder)) continue;
    GST_INFO_ID(name_.c_str(), "%s is given up, since it was not on yet", clip->name().c_str());
    remove(clip->decoder);
  }
  // A handler of the messages about that may have stopped the element: nothing is paid for then.
  if (!is_running()) return;
  if (has_ended()) {
    call([](GstElement* element) {
      genpro::post(element, bin_debug,
                   WarningReport{GST_RESOURCE_ERROR_FAILED,
                                 "Nothing is asked for, since the output has ended and no clip can "
                                 "be on any more. Set the element to READY and start it again."});
    });
    return;
  }
  Settings own = settings;
  // With `completed`, one that was shown may be used once more.
  if (own.reuse != "completed") own.passed_over = shown_;
  const std::shared_ptr<Clip> clip = add(std::move(own), nullptr, false);
  newest_ = clip->number;
  if (goes_first) first_ = clip->number;
  problem_.reset();
  GST_INFO_ID(name_.c_str(), "%s is asked for", clip->name().c_str());
  // Without what decodes it, nothing is paid for.
  if (!prepare_decoder(clip->decoder) || !is_running()) return;
  if (!playout_->timeline.offer(clip->decoder)) return;
  if (!clip->settings.generation_id.empty()) group_start(*clip, clip->settings.generation_id);
  start_clip(*clip);
}

std::shared_ptr<PlayoutControl::Clip> PlayoutControl::add(Settings settings,
                                                          std::shared_ptr<ClipFile> file,
                                                          bool is_repeat, const std::string& path) {
  auto clip = std::make_shared<Clip>();
  const std::uint64_t number = clip->number = ++numbers_;
  clip->settings = std::move(settings);
  if (const ElementPtr element = element_.get()) {
    clip->settings.tls_interaction = tls_interaction_of(element.get());
  }
  clip->is_repeat = is_repeat;
  clip->file = std::move(file);
  ElementPtr source;
  clip->path = path;
  if (!path.empty()) {
    source = make_file_source(path);
    if (!source) return nullptr;
  } else if (clip->file && clip->file->is_whole()) {
    source = make_file_source(clip->file->path());
  }
  if (!source) {
    clip->generation = std::make_shared<Generation>(
        clip->settings, name_, later_for<Report>(number, &PlayoutControl::on_report));
    clip->settings = clip->generation->settings();
    source = make_clip_source(clip->generation);
    // Also of one that is played once more: what it reads is there for its next round.
    clip->file = ClipFile::create(at_end_ == AtEnd::loop ? std::numeric_limits<std::uint64_t>::max()
                                                         : most_kept_bytes);
  }
  clip->decoder = std::make_shared<ClipDecoder>(
      std::move(source), raster(), clip->generation ? clip->file : nullptr,
      [this,
       pass = later_for<SharedMessage>(number, &PlayoutControl::on_message)](MessagePtr message) {
        if (!pass_on_context(message.get())) pass(std::move(message));
      });
  if (path.empty()) clip->decoder->set_media_type("video/quicktime");
  clip->decoder->decoded().set_preroll(preroll_);
  clip->decoder->decoded().set_fade(fade_);
  clip->loudness_target = loudness_target_;
  clip->decoder->set_loudness_target(clip->loudness_target);
  clips_.push_back(clip);
  return clip;
}

void PlayoutControl::start_clip(Clip& clip) {
  if (!clip.generation) return clip.decoder->start();
  clip.generation->start(later_for<job::Update>(clip.number, &PlayoutControl::on_update));
}

std::shared_ptr<PlayoutControl::Clip> PlayoutControl::find(
    const std::shared_ptr<ClipDecoder>& decoder) {
  for (const auto& clip : clips_) {
    if (clip->decoder == decoder) return clip;
  }
  return nullptr;
}

std::shared_ptr<PlayoutControl::Clip> PlayoutControl::find(std::uint64_t number) {
  for (const auto& clip : clips_) {
    if (clip->number == number) return clip;
  }
  return nullptr;
}

void PlayoutControl::remove(const std::shared_ptr<ClipDecoder>& decoder) {
  const std::shared_ptr<Clip> gone = find(decoder);
  if (!gone) return;
  std::erase(clips_, gone);
  give_item_back(*gone);
  note_delivery(*gone);
  keep(*gone);
  auto number = gone->number;
  if (!in_progress_.compare_exchange_strong(number, 0)) return;
  call([](GstElement* element) { genpro::post(element, bin_debug, stopped_waiting()); });
}

}  // namespace genpro::bin
