// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <map>
#include <unordered_map>

#include "emulator/store.h"

namespace genpro::emulator {

namespace {

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(MilliCredits credit) : credit_(credit) {}

  std::int64_t next_id(Sequence sequence) override {
    switch (sequence) {
      case Sequence::resource:
        return next_resource_++;
      case Sequence::generation:
        return next_generation_++;
      case Sequence::output:
        break;
    }
    return next_output_++;
  }

  void save(const Resource& resource) override { resources_[resource.id] = resource; }

  std::optional<Resource> resource(std::int64_t id) const override {
    const auto found = resources_.find(id);
    if (found == resources_.end()) return {};
    return found->second;
  }

  std::vector<Resource> resources(const ResourceFilter& filter) const override {
    std::vector<Resource> page;
    std::size_t skipped = 0;
    for (auto it = resources_.rbegin(); it != resources_.rend(); ++it) {
      const Resource& resource = it->second;
      if (!filter.kind.empty() && filter.kind != resource.kind) continue;
      if (!filter.ids.empty() &&
          std::find(filter.ids.begin(), filter.ids.end(), resource.id) == filter.ids.end()) {
        continue;
      }
      if (skipped++ < filter.skip) continue;
      if (page.size() >= filter.limit) break;
      page.push_back(resource);
    }
    return page;
  }

  void remove_resource(std::int64_t id) override { resources_.erase(id); }

  void save(const Generation& generation) override { generations_[generation.id] = generation; }

  std::optional<Generation> generation(std::int64_t id) const override {
    const auto found = generations_.find(id);
    if (found == generations_.end()) return {};
    return found->second;
  }

  std::vector<Generation> generations(const std::string& sheet,
                                      const std::string& cell) const override {
    std::vector<Generation> found;
    for (const auto& [id, generation] : generations_) {
      if (generation.sheet == sheet && generation.cell == cell) found.push_back(generation);
    }
    return found;
  }

  MilliCredits credit() const override { return credit_; }
  void add_credit(MilliCredits amount) override { credit_ += amount; }

  void remember(const std::string& key, const RememberedAnswer& answer) override {
    answers_[key] = answer;
  }

  std::optional<RememberedAnswer> remembered(const std::string& key, std::int64_t since) override {
    std::erase_if(answers_, [since](const auto& entry) { return entry.second.at < since; });
    const auto found = answers_.find(key);
    if (found == answers_.end()) return {};
    return found->second;
  }

 private:
  std::int64_t next_resource_ = 501;
  std::int64_t next_generation_ = 9040;
  std::int64_t next_output_ = 1900;
  std::map<std::int64_t, Resource> resources_;
  std::map<std::int64_t, Generation> generations_;
  std::unordered_map<std::string, RememberedAnswer> answers_;
  MilliCredits credit_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store(MilliCredits credit) {
  return std::make_unique<MemoryStore>(credit);
}

}  // namespace genpro::emulator
