// SPDX-License-Identifier: LGPL-2.1-or-later
#include "assets/uploader.h"

#include <algorithm>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "api/resources/put.h"
#include "base/backoff.h"
#include "base/guarded.h"
#include "base/text.h"

namespace genpro::assets {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds between_progress = 250ms;
// Between two looks at what another process uploads.
constexpr milliseconds between_looks = 100ms;
// A file that changed so shortly before may change once more without getting other times.
constexpr std::int64_t settling_ns = 2'000'000'000;

// Passes on some of what it is told, and the end.
std::function<void(std::uint64_t)> now_and_then(Uploader::Sent sent, std::uint64_t size) {
  return [sent = std::move(sent), size, latest = std::chrono::steady_clock::time_point(),
          is_done = false](std::uint64_t bytes) mutable {
    const auto now = std::chrono::steady_clock::now();
    if (is_done || (bytes < size && now - latest < between_progress)) return;
    latest = now;
    is_done = bytes >= size;
    sent(std::min(bytes, size));
  };
}

Error error_of(api::Failure failure) {
  failure.error.retryable = failure.retryable;
  return std::move(failure.error);
}

}  // namespace

Uploader::Uploader(UploaderSettings settings)
    : settings_(std::move(settings)), log_(log::Category::assets, settings_.access.log_id) {}
Uploader::~Uploader() = default;

Result<ledger::Ledger*> Uploader::open_ledger() {
  if (settings_.ledger.empty()) return nullptr;
  if (!ledger_) {
    auto opened = ledger::Ledger::open(settings_.ledger);
    if (!opened) return std::move(opened.error());
    ledger_ = std::move(*opened);
  }
  return ledger_.get();
}

// ---- Calls ----

template <typename T>
Result<T, api::Failure> Uploader::call_once(const Ask<T>& ask, const std::stop_token& stopped) {
  std::call_once(runtime_needed_, [this] { runtime_ = Runtime::acquire_for_clip(); });
  using Answer = Guarded<std::optional<Result<T, api::Failure>>>;
  const auto answer = std::make_shared<Answer>();
  const auto client = std::make_shared<std::unique_ptr<api::ResourceClient>>();
  runtime_->post([this_runtime = runtime_.get(), client, answer, ask, access = settings_.access,
                  silence = settings_.silence] {
    *client = std::make_unique<api::ResourceClient>(*this_runtime, access, silence);
    ask(**client, [answer](Result<T, api::Failure> result) {
      auto lock = answer->lock();
      lock->emplace(std::move(result));
      lock.notify();
    });
  });
  std::optional<Result<T, api::Failure>> result;
  {
    auto lock = answer->lock();
    lock.wait(stopped, [](const auto& value) { return value.has_value(); });
    result = std::move(*lock);
  }
  // Until the client is gone the runtime thread may still send, and tell of it who asked for this.
  const auto gone = std::make_shared<std::promise<void>>();
  runtime_->post([client, gone] {
    client->reset();
    gone->set_value();
  });
  gone->get_future().wait();
  if (stopped.stop_requested() || !result) return api::Failure{stopped_error()};
  return std::move(*result);
}

template <typename T>
Result<T, api::Failure> Uploader::retry(
    const std::function<Result<T, api::Failure>()>& once, const std::stop_token& stopped,
    const std::function<Result<std::monostate>()>& is_still_right) {
  Backoff backoff;
  const auto wrong = [&]() -> std::optional<api::Failure> {
    if (!is_still_right) return std::nullopt;
    auto right = is_still_right();
    if (right) return std::nullopt;
    return api::Failure{std::move(right.error())};
  };
  while (true) {
    auto result = once();
    if (result || stopped.stop_requested()) return result;
    // What was cut while it was sent is no fault of the server, nor of the disk.
    if (auto changed = wrong()) return std::move(*changed);
    const api::Failure& failure = result.error();
    if (!failure.retryable || backoff.failures() >= settings_.retries) {
      if (backoff.failures() > 0) {
        append(result.error().error,
               "Gave up after " + std::to_string(backoff.failures() + 1) + " tries.");
      }
      return result;
    }
    const milliseconds wait = backoff.next(failure.retry_after);
    log_.info([&] {
      return "tries again in " + std::to_string(wait.count()) + " ms: " + failure.error.message;
    });
    if (!sleep_for(wait, stopped)) return api::Failure{stopped_error()};
    if (auto changed = wrong()) return std::move(*changed);
  }
}

template <typename T>
Result<T, api::Failure> Uploader::call(
    const Ask<T>& ask, const std::stop_token& stopped,
    const std::function<Result<std::monostate>()>& is_still_right) {
  return retry<T>([&] { return call_once<T>(ask, stopped); }, stopped, is_still_right);
}

Result<api::Resource, api::Failure> Uploader::get(const std::string& id,
                                                  const std::stop_token& stopped) {
  return call<api::Resource>(
      [id, agent = settings_.agent_id](auto& client, auto done) {
        client.get(id, agent, std::move(done));
      },
      stopped);
}

// ---- Files ----

Result<std::vector<File>> Uploader::read(const std::vector<std::string>& paths,
                                         const std::stop_token& stopped) {
  const auto opened = open_ledger();
  if (!opened) return opened.error();
  ledger::Ledger* ledger = *opened;
  const std::int64_t now_ns = g_get_real_time() * 1000;
  std::vector<File> files;
  std::vector<ledger::FileStamp> stamps;
  for (const std::string& path : paths) {
    if (stopped.stop_requested()) return stopped_error();
    auto file = look_at(path);
    if (!file) return std::move(file.error());
    stamps.push_back(file->stamp);
    files.push_back(std::move(*file));
  }
  if (ledger != nullptr) {
    const auto known = ledger->digests_of(stamps);
    if (!known) return known.error();
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (!(*known)[i]) continue;
      files[i].sha256 = (*known)[i]->sha256;
      files[i].content_type = (*known)[i]->content_type;
    }
  }
  std::vector<std::pair<ledger::FileStamp, ledger::FileDigest>> to_note;
  for (File& file : files) {
    if (!file.sha256.empty()) continue;
    const auto descriptor = open_file(file);
    if (!descriptor) return descriptor.error();
    auto content = read_content(**descriptor, file, stopped);
    if (!content) return std::move(content.error());
    log_.debug([&] {
      return "read \"" + file.name + "\", " + std::to_string(file.stamp.size) + " bytes, " +
             file.content_type + ", SHA-256 " + file.sha256;
    });
    if (std::max(file.stamp.changed_ns, file.stamp.modified_ns) + settling_ns < now_ns) {
      to_note.push_back({file.stamp, {file.sha256, file.content_type}});
    }
  }
  // Without the note they are read again, which costs nothing but time.
  if (ledger != nullptr && !to_note.empty()) (void)ledger->note_digests(to_note);
  return files;
}

// ---- Uploads ----

Result<std::string> Uploader::upload(const File& file, const Sent& sent,
                                     const std::stop_token& stopped) {
  if (const auto known = ids_.find(file.sha256); known != ids_.end()) return known->second;
  const auto ledger = open_ledger();
  if (!ledger) return ledger.error();
  auto id = *ledger != nullptr ? upload_with(**ledger, file, sent, stopped)
                               : upload_now(file, sent, stopped);
  if (id) ids_[file.sha256] = *id;
  return id;
}

Result<std::string> Uploader::upload_with(ledger::Ledger& ledger, const File& file,
                                          const Sent& sent, const std::stop_token& stopped) {
  ledger::LifeLock lock;
  while (!stopped.stop_requested()) {
    const auto known = ledger.find_asset(scope(), file.sha256);
    if (!known) return known.error();
    if (*known) {
      const auto there = is_there(**known, stopped);
      if (!there) return there.error();
      if (*there) return (*known)->id;
      log_.info([&] {
        return "content resource " + (*known)->id + ", made of \"" + (*known)->file_name +
               "\", is gone: it is uploaded anew";
      });
      const auto noted = ledger.note_asset_gone(scope(), (*known)->id);
      if (!noted) return noted.error();
      continue;
    }
    // The second look is under the lock, without which nobody uploads.
    if (!lock) {
      auto taken = ledger.lock_asset(scope(), file.sha256);
      if (!taken) return std::move(taken.error());
      if (*taken) {
        lock = std::move(**taken);
      } else if (!sleep_for(between_looks, stopped)) {
        break;
      }
      continue;
    }
    auto id = upload_now(file, sent, stopped);
    if (!id) return id;
    const auto noted =
        ledger.note_asset(scope(), {*id, file.sha256, static_cast<std::uint64_t>(file.stamp.size),
                                    file.content_type, file.name, ledger::wall_clock_now()});
    if (!noted) return noted.error();
    return id;
  }
  return stopped_error();
}

Result<std::optional<ledger::Asset>> Uploader::remembered(const File& file) {
  const auto ledger = open_ledger();
  if (!ledger) return ledger.error();
  if (*ledger == nullptr) return std::optional<ledger::Asset>();
  return (*ledger)->find_asset(scope(), file.sha256);
}

Result<bool> Uploader::is_there(const ledger::Asset& asset, const std::stop_token& stopped) {
  const auto resource = get(asset.id, stopped);
  if (resource) return true;
  if (!api::is_gone(resource.error())) return error_of(resource.error());
  return false;
}

Result<std::string> Uploader::upload_now(const File& file, const Sent& sent,
                                         const std::stop_token& stopped) {
  auto descriptor = open_file(file);
  if (!descriptor) return std::move(descriptor.error());
  const auto is_unchanged = [&] { return check_unchanged(**descriptor, file); };
  api::Upload upload;
  upload.file = *descriptor;
  upload.size = static_cast<std::uint64_t>(file.stamp.size);
  upload.name = file.name;
  upload.content_type = file.content_type;
  upload.md5 = file.md5;
  if (upload.size > api::max_multipart_size && upload.md5.empty()) {
    File again = file;
    auto read = read_content(**descriptor, again, stopped);
    if (!read) return std::move(read.error());
    upload.md5 = again.md5;
  }
  const auto began = std::chrono::steady_clock::now();
  const std::string& agent = settings_.agent_id;
  const auto told = [&] { return sent ? now_and_then(sent, upload.size) : nullptr; };
  auto resource = Result<api::Resource, api::Failure>(api::Failure());
  if (upload.size <= api::max_multipart_size) {
    resource = call<api::Resource>(
        [upload, agent, told = told()](auto& client, auto done) {
          api::Upload one = upload;
          one.on_sent = told;
          client.create(one, agent, std::move(done));
        },
        stopped, is_unchanged);
  } else {
    // The address may be for one use, and for a while only.
    const auto put = retry<api::DirectUpload>(
        [&]() -> Result<api::DirectUpload, api::Failure> {
          auto target = call_once<api::DirectUpload>(
              [upload](auto& client, auto done) { client.announce(upload, std::move(done)); },
              stopped);
          if (!target) return target;
          upload.on_sent = told();
          auto taken = api::put_file(settings_.access, upload, *target, settings_.silence, stopped);
          if (!taken) return std::move(taken.error());
          return target;
        },
        stopped, is_unchanged);
    if (!put) return error_of(put.error());
    resource = call<api::Resource>(
        [id = put->signed_id, name = upload.name, agent](auto& client, auto done) {
          client.create_from(id, name, agent, std::move(done));
        },
        stopped);
  }
  if (!resource) return error_of(std::move(resource.error()));
  auto unchanged = is_unchanged();
  if (!unchanged) return std::move(unchanged.error());
  log_.info([&] {
    const auto took =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began);
    return "\"" + file.name + "\", " + std::to_string(upload.size) +
           " bytes, is content resource " + resource->id + ", after " +
           std::to_string(took.count()) + " ms";
  });
  return resource->id;
}

Result<std::string> Uploader::type_of(const std::string& id, const std::stop_token& stopped) {
  auto resource = get(id, stopped);
  if (!resource) return error_of(std::move(resource.error()));
  if (!is_ingredient_type(resource->content_type)) {
    return settings_error(
        "Content resource " + id + " is no image, video or audio (" +
        (resource->content_type.empty()
             ? "the GEN API tells no type"
             : one_line(redact(resource->content_type, settings_.access.key), 80)) +
        "), so that an @ in the prompt cannot be replaced by what the service "
        "calls it. Write those names out, or name other ingredients.");
  }
  return resource->content_type;
}

Result<api::Resource> Uploader::resource_of(const std::string& id, const std::stop_token& stopped) {
  auto resource = get(id, stopped);
  if (!resource) return error_of(std::move(resource.error()));
  if (auto url = parse_url(resource->url); !url) {
    return settings_error("The GEN API tells no address of content resource " + id +
                          " that can be used, and a request in this dialect needs one: " +
                          one_line(redact(url.error(), settings_.access.key), 80) +
                          ". Upload the file again, or set dialect to another one.");
  }
  return std::move(*resource);
}

}  // namespace genpro::assets
