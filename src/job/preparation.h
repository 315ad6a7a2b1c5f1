// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a request's ingredients are made of, and the request with their ids.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "assets/task.h"
#include "assets/uploader.h"
#include "job/job.h"
#include "job/ledger_thread.h"

namespace genpro::job {

// Belongs to the runtime thread. Destroying it ends what is under way, and waits for nothing.
class Preparation {
 public:
  struct Contents {
    // With a digest of what each ingredient holds in place of its id, as far as that is known; this
    // is what makes two requests the same, and is never posted.
    api::GenerationRequest by_contents;
    // To be posted; nothing while there are files to upload or addresses to find out.
    std::optional<api::GenerationRequest> request;
  };
  using ReadDone = std::function<void(Result<Contents>)>;
  using UploadDone = std::function<void(Result<api::GenerationRequest>)>;
  // What goes on, for a person.
  using Tell = std::function<void(std::string)>;

  // `settings` has ingredients, and outlives this.
  Preparation(Runtime& runtime, const JobSettings& settings, Tell tell);
  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;

  // Reads the files. `done` is called once, not from within the call, and may destroy the object.
  void read(ReadDone done);
  // After read(), once: has each file be a content resource, by upload where it is none yet, and
  // finds out the addresses where the request needs them.
  void upload(UploadDone done);

 private:
  void look_up_ids();
  void read_files();
  void finish_reading();
  assets::UploaderSettings uploader_settings() const;
  api::RequestSettings with_ids(std::vector<std::string> ids) const;

  Runtime& runtime_;
  const JobSettings& settings_;
  const Ingredients& ingredients_;
  Tell tell_;
  LedgerClient ledger_;
  std::shared_ptr<assets::Uploader> uploader_;  // of the task's thread, one at a time
  // One entry for each ingredient.
  std::vector<std::string> types_;    // "image/png"; empty: not known
  std::vector<std::string> digests_;  // empty: not known
  std::vector<assets::File> files_;   // an ingredient's that has an id is empty
  bool uses_addresses_ = false;
  ReadDone read_done_;
  UploadDone upload_done_;
  Timer timer_;
  std::unique_ptr<assets::Task> task_;
};

}  // namespace genpro::job
