// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Makes content resources of files, each content once.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "api/resources/resource_client.h"
#include "assets/content.h"
#include "base/threads/runtime.h"
#include "ledger/ledger.h"

namespace genpro::assets {

struct UploaderSettings {
  api::Access access;
  std::string agent_id;
  std::string ledger;                         // path; empty: nothing is remembered
  std::chrono::milliseconds silence{15'000};  // without a byte, per call
  unsigned retries = 5;                       // per call, beyond the first try
};

// Blocks, in every function but the constructor, until it is stopped; then the error is not meant
// to be told. Threads: one at a time, and never a runtime's.
class Uploader {
 public:
  // How much of a file has left. Called on any thread, a few times a second.
  using Sent = std::function<void(std::uint64_t bytes)>;

  explicit Uploader(UploaderSettings settings);
  ~Uploader();
  Uploader(const Uploader&) = delete;
  Uploader& operator=(const Uploader&) = delete;

  // What the files are and hold. Those that were read before and have not changed are not read
  // again.
  Result<std::vector<File>> read(const std::vector<std::string>& paths,
                                 const std::stop_token& stopped);
  // The id of the resource that the file's content is at the service: one that an earlier run made,
  // if the API still has it, else a new one. Should another process be uploading the same, that is
  // waited for.
  Result<std::string> upload(const File& file, const Sent& sent, const std::stop_token& stopped);
  // What the ledger remembers of the file's content.
  Result<std::optional<ledger::Asset>> remembered(const File& file);
  // Whether the API still has it. By several threads at once.
  Result<bool> is_there(const ledger::Asset& asset, const std::stop_token& stopped);
  // The type of a content resource, by asking the API.
  Result<std::string> type_of(const std::string& id, const std::stop_token& stopped);
  // All that is told of it, in the same way. It has an address that can be used.
  Result<api::Resource> resource_of(const std::string& id, const std::stop_token& stopped);

 private:
  template <typename T>
  using Ask =
      std::function<void(api::ResourceClient&, std::function<void(Result<T, api::Failure>)>)>;
  template <typename T>
  Result<T, api::Failure> call_once(const Ask<T>& ask, const std::stop_token& stopped);
  // Tries again where that may help. `is_still_right`: looked at before each further try.
  template <typename T>
  Result<T, api::Failure> retry(
      const std::function<Result<T, api::Failure>()>& once, const std::stop_token& stopped,
      const std::function<Result<std::monostate>()>& is_still_right = nullptr);
  template <typename T>
  Result<T, api::Failure> call(
      const Ask<T>& ask, const std::stop_token& stopped,
      const std::function<Result<std::monostate>()>& is_still_right = nullptr);

  // Null without one.
  Result<ledger::Ledger*> open_ledger();
  Result<std::string> upload_with(ledger::Ledger& ledger, const File& file, const Sent& sent,
                                  const std::stop_token& stopped);
  Result<std::string> upload_now(const File& file, const Sent& sent,
                                 const std::stop_token& stopped);
  Result<api::Resource, api::Failure> get(const std::string& id, const std::stop_token& stopped);
  ledger::AssetScope scope() const { return {settings_.access.base.text, settings_.agent_id}; }

  const UploaderSettings settings_;
  const log::Logger log_;
  // Not the one that requests are made on: a large file keeps a thread busy.
  std::shared_ptr<Runtime> runtime_;
  std::once_flag runtime_needed_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::map<std::string, std::string> ids_;  // by content, of this run
};

}  // namespace genpro::assets
