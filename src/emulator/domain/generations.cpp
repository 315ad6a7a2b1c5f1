// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/domain/generations.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "emulator/domain/layers.h"
#include "emulator/domain/pricing.h"
#include "emulator/util/api_error.h"
#include "emulator/util/file.h"
#include "emulator/util/json.h"
#include "emulator/util/text.h"
#include "emulator/util/timer.h"

namespace genpro::emulator {

namespace {

struct Raster {
  int width;
  int height;
};

// The resolution is the length of the short side.
Raster raster_of(const GenerationSettings& settings) {
  const auto digits = settings.resolution.substr(0, settings.resolution.find('p'));
  const auto side = static_cast<int>(parse_digits(digits).value_or(720));
  const std::string& ratio = settings.aspect_ratio;
  const std::size_t colon = ratio.find(':');
  const auto across = static_cast<int>(parse_digits(ratio.substr(0, colon)).value_or(16));
  const auto down = static_cast<int>(parse_digits(ratio.substr(colon + 1)).value_or(9));
  const auto other = [side](int longer, int shorter) {
    return (side * longer + shorter) / shorter / 2 * 2;
  };
  return across > down ? Raster{other(across, down), side} : Raster{side, other(down, across)};
}

// The renderer's words. A text is a clip without ingredients.
const char* render_kind(Kind kind) {
  switch (kind) {
    case Kind::image:
      return "image";
    case Kind::lipsync:
      return "lipsync";
    case Kind::render:
      return "layers";
    case Kind::remove_background:
      return "matte";
    default:
      return "ingredients";
  }
}

// The media decide how long such a clip is.
bool has_own_length(Kind kind) {
  return kind == Kind::lipsync || kind == Kind::render || kind == Kind::remove_background;
}

std::string credits_text(MilliCredits amount) {
  JsonWriter text;
  return text.number(credits(amount)).text();
}

Generation generation_of(const Order& order, std::int64_t id) {
  Generation generation;
  generation.id = id;
  generation.agent = order.agent;
  generation.sheet = order.sheet;
  generation.cell = order.cell;
  generation.layer = order.layer;
  generation.request = order.request;
  generation.settings = order.settings;
  generation.created_at = generation.updated_at = now_milliseconds();
  return generation;
}

constexpr int frames_per_second = 24;
constexpr std::int64_t first_output_id = 1900;
// The disk may have room again after so long.
constexpr double retry_seconds = 1;

}  // namespace

// One run from pending to an end; a stop and a continue make a new one, so that nothing that
// belongs to the earlier run can reach the later.
struct Generations::Attempt {
  std::string folder;
  RenderQueue::Ticket ticket = 0;
  Timer pending_timer;
  Timer latency_timer;
  Timer retry_timer;
  bool pending_passed = false;
  bool latency_passed = false;
  bool render_started = false;
  gint64 begun = g_get_monotonic_time();
  double latency = 0;   // seconds
  double rendered = 0;  // share of the clip
  std::optional<RenderEnd> end;
  std::optional<std::string> failure;  // what it ends in, decided at its start
  std::optional<Output> output;        // its files are in place
};

Generations::Generations(Store& store, const Resources& resources, const Folders& folders,
                         RendererSettings renderer, double latency, Faults& faults)
    : store_(store),
      resources_(resources),
      folders_(folders),
      latency_(latency),
      faults_(faults),
      renders_(std::move(renderer)) {}

Generations::~Generations() = default;

Generation Generations::get(std::int64_t id) const {
  auto generation = store_.generation(id);
  if (!generation) {
    throw not_found("There is no generation " + std::to_string(id) +
                    ". Use the generation_id of the answer to the generate call.");
  }
  return *generation;
}

std::optional<double> Generations::progress(std::int64_t id) const {
  const auto found = attempts_.find(id);
  if (found == attempts_.end()) return {};
  const Attempt& attempt = *found->second;
  if (!attempt.render_started) return 0;
  // It ends when both the clip and the time are done.
  const double rendered = attempt.end || attempt.failure ? 1 : attempt.rendered;
  const double elapsed = static_cast<double>(g_get_monotonic_time() - attempt.begun) / 1e6;
  return attempt.latency > 0 ? std::min(rendered, elapsed / attempt.latency) : rendered;
}

std::vector<std::int64_t> Generations::running() const {
  std::vector<std::int64_t> ids;
  for (const auto& [id, attempt] : attempts_) ids.push_back(id);
  return ids;
}

void Generations::charge(Generation& generation) {
  const auto cost = price(generation.settings);
  if (cost > store_.credit()) {
    throw ApiError(422, "insufficient_credits_for_job",
                   "This generation costs " + credits_text(cost) + " credits and " +
                       credits_text(store_.credit()) +
                       " are left. Choose a shorter duration or a cheaper model, or start an "
                       "emulator with a new --data-dir and more --credit.");
  }
  store_.book(generation.id, -cost, "charge");
  generation.charged = cost;
  generation.credit_outcome = "charged";
}

void Generations::refund(Generation& generation) {
  store_.book(generation.id, std::exchange(generation.charged, 0), "refund");
  generation.credit_outcome = "refunded";
}

// What each of the ingredients has to be, where their places have a meaning.
void Generations::check_media(const GenerationSettings& settings) const {
  std::vector<Resource> given;
  for (const auto id : settings.asset_ids) given.push_back(resources_.get(id));
  const auto want = [&](std::size_t place, std::initializer_list<const char*> kinds,
                        const char* what) {
    const Resource& resource = given.at(place);
    if (std::find(kinds.begin(), kinds.end(), resource.kind) != kinds.end()) return;
    throw validation_error("Content resource " + std::to_string(resource.id) + " is of the kind " +
                           resource.kind + ", and " + kind_word(settings.kind) + " takes " + what +
                           " there.");
  };
  const auto want_number = [&](std::size_t least, std::size_t greatest) {
    if (given.size() >= least && given.size() <= greatest) return;
    throw validation_error(std::string(kind_word(settings.kind)) + " does not take " +
                           std::to_string(given.size()) + " content resources.");
  };
  switch (settings.kind) {
    case Kind::image:
      want_number(1, 2);
      for (std::size_t i = 0; i < given.size(); ++i) want(i, {"image"}, "an image");
      break;
    case Kind::lipsync:
      want_number(2, 2);
      want(0, {"video", "image"}, "a video");
      want(1, {"audio", "video"}, "an audio file");
      break;
    case Kind::remove_background:
      want_number(1, 1);
      want(0, {"video"}, "a video");
      break;
    default:
      break;
  }
}

Generation Generations::create(const Order& order) {
  check_media(order.settings);
  if (order.settings.kind == Kind::render) {
    media_of_layers(store_, folders_, order.sheet, order.cell);
  }
  Store::Change change(store_);
  Generation generation = generation_of(order, store_.next_id(Sequence::generation));
  charge(generation);
  store_.save(generation);
  store_.after_commit([this, generation] { begin(generation); });
  change.commit();
  return generation;
}

void Generations::create_failed(const Order& order, const std::string& reason) {
  Store::Change change(store_);
  Generation generation = generation_of(order, store_.next_id(Sequence::generation));
  generation.status = Status::failed;
  generation.failed_reason = reason;
  generation.credit_outcome = "not_charged";
  store_.save(generation);
  change.commit();
}

void Generations::recover() {
  for (const auto id : store_.open_generations()) {
    Generation generation = get(id);
    if (generation.status == Status::processing) {
      keep(generation, Status::pending);
    }
    begin(generation);
  }
}

Generation Generations::stop(std::int64_t id) {
  Generation generation = get(id);
  if (has_ended(generation.status)) {
    throw ApiError(422, "job_cannot_be_stopped",
                   "Generation " + std::to_string(id) + " is " + status_word(generation.status) +
                       " already. GET it to see its result.");
  }
  Store::Change change(store_);
  const auto refund_fault = faults_.stop_refund();
  if (refund_fault != StopRefund::none) refund(generation);
  if (refund_fault == StopRefund::untold) generation.credit_outcome.clear();
  keep(generation, Status::stopped);
  change.commit();
  return generation;
}

Generation Generations::resume(std::int64_t id) {
  Generation generation = get(id);
  if (generation.status != Status::failed && generation.status != Status::stopped) {
    throw validation_error("Generation " + std::to_string(id) + " is " +
                           status_word(generation.status) +
                           ". Only a failed or stopped generation can be continued.");
  }
  for (const auto asset : generation.settings.asset_ids) resources_.get(asset);
  if (!store_.was_charged(id)) {
    throw validation_error("Generation " + std::to_string(id) +
                           " was never started, as its failed_reason says. Generate again.");
  }
  Store::Change change(store_);
  charge(generation);
  generation.failed_reason.clear();
  keep(generation, Status::pending);
  store_.after_commit([this, generation] { begin(generation); });
  change.commit();
  return generation;
}

std::string Generations::write_spec(const Generation& generation, const std::string& folder) const {
  std::filesystem::create_directory(folder);
  const GenerationSettings& settings = generation.settings;
  const Model& model = *model_named(settings.model);
  const Raster raster = raster_of(settings);

  JsonWriter spec;
  spec.begin_object();
  spec.key("kind").string(render_kind(settings.kind));
  spec.key("output").string(folder + "/output" + extension_of(settings.kind));
  spec.key("thumbnail").string(folder + "/thumbnail.jpg");
  spec.key("width").integer(raster.width).key("height").integer(raster.height);
  spec.key("fps").integer(frames_per_second);
  spec.key("duration").integer(has_own_length(settings.kind) ? 0 : settings.duration);
  spec.key("prompt").string(settings.prompt);
  spec.key("model").string(settings.model);
  spec.key("generation_id").string(std::to_string(generation.id));
  spec.key("audio").boolean(settings.audio.value_or(model.audio));
  spec.key("moov_at_end").boolean(model.moov_at_end);
  spec.key("ingredients").begin_array();
  std::vector<LayerMedia> media;
  if (settings.kind == Kind::render) {
    media = media_of_layers(store_, folders_, generation.sheet, generation.cell);
  }
  for (const auto id : settings.asset_ids) {
    const Resource resource = resources_.get(id);
    media.push_back(
        {folders_.uploads(resource.stored_name), resource.content_type, resource.file_name});
  }
  int index = 0;
  for (const LayerMedia& one : media) {
    // A link of its own: deleting the resource while this renders must not pull the file away.
    const std::string path = folder + "/" + std::to_string(index++) + "-" +
                             std::filesystem::path(one.path).filename().string();
    if (link(one.path.c_str(), path.c_str()) != 0) {
      throw std::system_error(errno, std::generic_category(),
                              "The ingredient \"" + one.file_name + "\" is not there");
    }
    spec.begin_object().key("path").string(path);
    spec.key("content_type").string(one.content_type);
    spec.key("file_name").string(one.file_name).end_object();
  }
  spec.end_array().end_object();

  const std::string path = folder + "/spec.json";
  NewFile file(folders_.unfinished());
  file.write(spec.text().data(), spec.text().size());
  file.move_to(path);
  return path;
}

void Generations::begin(const Generation& generation) {
  const std::int64_t id = generation.id;
  auto& attempt = *(attempts_[id] = std::make_unique<Attempt>());
  attempt.folder = folders_.jobs(std::to_string(id) + "-" + std::to_string(next_attempt_++));
  const std::string& model = generation.settings.model;
  const double latency = faults_.latency(model).value_or(latency_);
  attempt.latency = latency;
  attempt.failure = faults_.failure(model);
  std::string spec;
  try {
    if (!attempt.failure) spec = write_spec(generation, attempt.folder);
  } catch (const std::exception& failure) {
    attempt.end =
        RenderEnd{std::string("The render could not be prepared: ") + failure.what() + ".", 0};
    advance(id);
    return;
  }
  attempt.pending_timer.start(latency / 3, [this, id] {
    attempts_.at(id)->pending_passed = true;
    advance(id);
  });
  attempt.latency_timer.start(latency, [this, id] {
    attempts_.at(id)->latency_passed = true;
    advance(id);
  });
  if (attempt.failure) {
    // There is nothing to render, and so nothing to wait for.
    attempt.render_started = true;
    return;
  }
  attempt.ticket = renders_.submit(
      spec,
      [this, id] {
        attempts_.at(id)->render_started = true;
        advance(id);
      },
      [this, id](double progress) { attempts_.at(id)->rendered = progress; },
      [this, id](const RenderEnd& end) {
        attempts_.at(id)->end = end;
        advance(id);
      });
}

void Generations::advance(std::int64_t id) {
  try {
    take_steps(id);
  } catch (const std::exception& failure) {
    // Most likely a full disk. What has been rendered is there, and waits for the store.
    g_warning("Generation %lld cannot go on: %s", static_cast<long long>(id), failure.what());
    const auto found = attempts_.find(id);
    if (found == attempts_.end()) return;
    found->second->retry_timer.start(retry_seconds, [this, id] { advance(id); });
  }
}

void Generations::take_steps(std::int64_t id) {
  const Attempt& attempt = *attempts_.at(id);
  Generation generation = get(id);
  if (attempt.end && !attempt.end->failure.empty()) {
    fail(generation, attempt.end->failure);
    return;
  }
  if (attempt.failure && attempt.latency_passed) {
    fail(generation, *attempt.failure);
    return;
  }
  // A render that waits for its turn is pending, however much time has passed.
  if (generation.status == Status::pending && attempt.pending_passed && attempt.render_started) {
    keep(generation, Status::processing);
  }
  if (attempt.latency_passed && attempt.end) complete(generation);
}

void Generations::complete(Generation generation) {
  Attempt& attempt = *attempts_.at(generation.id);
  if (!attempt.output) {
    // A number of its own, so that a process that dies here leaves no name that is used twice.
    Output output;
    output.id = store_.next_id(Sequence::output);
    char name[48];
    std::snprintf(name, sizeof name, "vid_ingredients_%03lld-",
                  static_cast<long long>(output.id - first_output_id + 1));
    // Clips are served without the key, to those who were given their address.
    output.name = name + random_token();
    const std::string extension = extension_of(generation.settings.kind);
    const std::string clip = attempt.folder + "/output" + extension;
    const std::string thumbnail = attempt.folder + "/thumbnail.jpg";
    if (rename(thumbnail.c_str(), folders_.thumbnails(output.name + ".jpg").c_str()) != 0 ||
        rename(clip.c_str(), folders_.outputs(output.name + extension).c_str()) != 0) {
      fail(generation, "The renderer left no clip behind. Generate again.");
      return;
    }
    attempt.output = output;
  }
  // What was charged was an estimate by the duration that was asked for; what is paid are the
  // frames that were rendered, where it is not the clip as a whole.
  const std::int64_t wanted = std::int64_t{generation.settings.duration} * frames_per_second;
  const MilliCredits estimate = price(generation.settings);
  const std::int64_t frames = std::clamp<std::int64_t>(attempt.end->frames, 0, 2 * wanted);
  const bool is_flat = model_named(generation.settings.model)->is_flat;
  const MilliCredits cost =
      frames > 0 && !is_flat ? (estimate * frames + wanted / 2) / wanted : estimate;
  Store::Change change(store_);
  store_.book(generation.id, generation.charged - cost, "reconcile");
  generation.charged = cost;
  generation.output = attempt.output;
  keep(generation, Status::completed);
  change.commit();
}

void Generations::fail(Generation generation, const std::string& reason) {
  Store::Change change(store_);
  refund(generation);
  generation.failed_reason = reason;
  keep(generation, Status::failed);
  change.commit();
}

void Generations::keep(Generation& generation, Status status) {
  generation.status = status;
  generation.updated_at = now_milliseconds();
  store_.save(generation);
  if (has_ended(status)) store_.after_commit([this, id = generation.id] { end_attempt(id); });
}

void Generations::end_attempt(std::int64_t id) {
  const auto found = attempts_.find(id);
  if (found == attempts_.end()) return;
  const std::string folder = found->second->folder;
  renders_.cancel(found->second->ticket);
  attempts_.erase(found);
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

}  // namespace genpro::emulator
