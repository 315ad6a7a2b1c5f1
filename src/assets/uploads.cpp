// SPDX-License-Identifier: LGPL-2.1-or-later
#include "assets/uploads.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <memory>

namespace genpro::assets {

namespace {

// One content, and the files that have it.
struct Content {
  std::vector<std::size_t> files;
  std::atomic<std::uint64_t> done = 0;  // bytes
  std::atomic<bool> is_new = false;
  std::optional<Result<std::string>> id;
};

std::uint64_t size_of(const File& file) {
  return static_cast<std::uint64_t>(file.stamp.size);
}

class Run {
 public:
  Run(const UploaderSettings& settings, const std::vector<File>& files, OnFailure on_failure,
      const UploadsTold& told, const std::stop_token& stopped)
      : settings_(settings),
        files_(files),
        on_failure_(on_failure),
        told_(told),
        forward_(stopped, [this] { stop_.request_stop(); }) {
    std::map<std::string, Content*> known;
    for (std::size_t file = 0; file < files.size(); ++file) {
      Content*& content = known[files[file].sha256];
      if (content == nullptr) {
        content = contents_.emplace_back(std::make_unique<Content>()).get();
        all_ += size_of(files[file]);
      }
      content->files.push_back(file);
    }
  }

  Uploads run() {
    look_for_known();
    // Each worker has its own connection to the ledger, whose locks keep it apart from other
    // processes.
    each(contents_.size(), most_uploads, [this] {
      return [this, uploader = std::make_shared<Uploader>(settings_)](std::size_t i) {
        if (!contents_[i]->id) finish(*contents_[i], upload(*uploader, *contents_[i]));
      };
    });
    Uploads uploads;
    uploads.ids.assign(files_.size(), stopped_error());
    for (const auto& content : contents_) {
      for (const std::size_t file : content->files) {
        if (content->id) uploads.ids[file] = *content->id;
      }
    }
    if (failed_ != none) uploads.failed = failed_;
    return uploads;
  }

 private:
  static constexpr std::size_t none = SIZE_MAX;

  // Calls what `make_work` makes, once a thread, for each number below `count`.
  template <typename MakeWork>
  void each(std::size_t count, std::size_t most_threads, const MakeWork& make_work) {
    std::atomic<std::size_t> next = 0;
    std::vector<std::future<void>> threads;
    for (std::size_t i = 0; i < std::min(count, most_threads); ++i) {
      threads.push_back(std::async(std::launch::async, [&] {
        const auto work = make_work();
        for (std::size_t n = next++; n < count && !stop_.stop_requested(); n = next++) work(n);
      }));
    }
    for (std::future<void>& thread : threads) thread.get();
  }

  void look_for_known() {
    Uploader uploader(settings_);
    std::vector<std::pair<Content*, ledger::Asset>> known;
    for (const auto& content : contents_) {
      auto asset = uploader.remembered(files_[content->files.front()]);
      if (!asset) {
        finish(*content, std::move(asset.error()));
      } else if (*asset) {
        known.emplace_back(content.get(), std::move(**asset));
      }
      if (stop_.stop_requested()) return;
    }
    each(known.size(), most_looks, [&] {
      return [&](std::size_t i) {
        const auto& [content, asset] = known[i];
        auto there = uploader.is_there(asset, stop_.get_token());
        if (!there) {
          finish(*content, std::move(there.error()));
        } else if (*there) {
          finish(*content, asset.id);
        }
      };
    });
  }

  Result<std::string> upload(Uploader& uploader, Content& content) {
    return uploader.upload(
        files_[content.files.front()],
        [&](std::uint64_t bytes) {
          content.is_new = true;
          content.done = bytes;
          tell_progress();
        },
        stop_.get_token());
  }

  void finish(Content& content, Result<std::string> id) {
    content.id = std::move(id);
    if (*content.id) {
      content.done = size_of(files_[content.files.front()]);
      for (const std::size_t place : content.files) {
        if (told_.done) told_.done(place, **content.id, content.is_new);
      }
      return;
    }
    // A stop that was asked for is not a failure.
    if (stop_.stop_requested()) return;
    std::size_t first = none;
    failed_.compare_exchange_strong(first, content.files.front());
    if (on_failure_ == OnFailure::stop_others) stop_.request_stop();
  }

  void tell_progress() const {
    if (!told_.progress) return;
    std::uint64_t done = 0;
    for (const auto& content : contents_) done += content->done;
    told_.progress(done, all_);
  }

  const UploaderSettings& settings_;
  const std::vector<File>& files_;
  const OnFailure on_failure_;
  const UploadsTold& told_;
  std::stop_source stop_;
  const std::stop_callback<std::function<void()>> forward_;
  std::vector<std::unique_ptr<Content>> contents_;
  std::uint64_t all_ = 0;
  std::atomic<std::size_t> failed_ = none;
};

}  // namespace

Uploads upload_all(const UploaderSettings& settings, const std::vector<File>& files,
                   OnFailure on_failure, const UploadsTold& told, const std::stop_token& stopped) {
  return Run(settings, files, on_failure, told, stopped).run();
}

}  // namespace genpro::assets
