// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the service remembers, in an SQLite file that survives the process. Records go in and out as
// copies; the files they name are kept by others. One thread.
//
// All members throw StoreError.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/store/database.h"
#include "emulator/store/records.h"
#include "emulator/util/timer.h"

namespace genpro::emulator {

enum class Sequence {
  resource,
  generation,
  output,
  sheet,
  column,
  row,
  cell,
  layer,
  variables,
  variable,
  agent
};

class Store {
 public:
  // Opens or creates the file and starts over what has to be. Throws std::runtime_error with a
  // sentence for its user when the file is no store, or of a newer version.
  explicit Store(const std::string& path);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Changes that belong together: all of them are kept, or none. Inside another one it is a part
  // of that. Without commit() everything since its start is undone.
  class Change {
   public:
    explicit Change(Store& store);
    ~Change();
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;
    void commit();

   private:
    Store& store_;
    std::size_t afterwards_;  // how many actions were waiting at its start
    bool open_ = true;
  };

  // Runs `action` when the current changes are on disk, at once when there are none; never when
  // they are undone.
  void after_commit(std::function<void()> action);

  // Called with each generation that was saved, when that is on disk: for webhooks, for pages that
  // show what happens. Observers must outlive the store or its last change, and must not throw.
  using Observer = std::function<void(const Generation&)>;
  void observe(Observer observer) { observers_.push_back(std::move(observer)); }

  // Nothing has been put in yet.
  bool is_empty() { return !database_.integer("SELECT 1 FROM account"); }
  // Ends is_empty().
  void mark_filled(MilliCredits credit);

  // The next unused id: resources from 501, generations from 9040, outputs from 1900. Throws
  // StoreError when there is none left.
  std::int64_t next_id(Sequence sequence);
  // Ids up to and with `id` were given out by somebody else.
  void reserve(Sequence sequence, std::int64_t id);

  void save(const Resource& resource);
  std::optional<Resource> resource(std::int64_t id);
  std::vector<Resource> resources(const ResourceFilter& filter);  // newest first
  void remove_resource(std::int64_t id) { database_.run("DELETE FROM resources WHERE id = ?", id); }
  std::vector<Resource> resources_with_digest(const std::string& digest,
                                              const std::string& file_name);
  // Whether a resource has its bytes in this file.
  bool knows_upload(const std::string& stored_name);

  void save(const Blob& blob);
  std::optional<Blob> blob_by_token(const std::string& token);
  std::optional<Blob> blob_by_signed_id(const std::string& signed_id);
  void remove_blob(const std::string& token);
  // Forgets all but the `keep` newest; returns the tokens of those.
  std::vector<std::string> forget_old_blobs(std::int64_t keep);

  // Also writes an Event.
  void save(const Generation& generation);
  std::optional<Generation> generation(std::int64_t id);
  // Oldest first; of the cell itself, without those of its layers.
  std::vector<Generation> generations(const std::string& sheet, const std::string& cell);
  std::vector<Generation> generations_of_layer(std::int64_t layer);
  // Of the sheet's cells and of their layers, newest first.
  std::vector<Generation> generations_of_sheet(const std::string& sheet);
  // The newest of those with a lower id, newest first.
  std::vector<Generation> generations_before(std::int64_t id, std::int64_t limit);
  // Those that have not ended.
  std::vector<std::int64_t> open_generations();
  bool knows_output(const std::string& name);
  // Oldest first.
  std::vector<Event> history(std::int64_t generation);
  // The first event after `cursor` of this agent; with `ends_only` the first that is an end.
  std::optional<Event> next_event(const std::string& agent, std::int64_t cursor, bool ends_only);

  MilliCredits credit() { return database_.integer("SELECT credit FROM account").value_or(0); }
  // Nothing until it was given one.
  std::optional<std::string> organization();
  void name_organization(const std::string& name);
  // Of an agent's generations, newest first.
  std::vector<Booking> bookings(const std::string& agent, std::int64_t skip, std::int64_t limit);
  // Whether a generation was ever charged.
  bool was_charged(std::int64_t generation);
  // Adds to the credit and notes why, and for which generation.
  void book(std::int64_t generation, MilliCredits amount, std::string_view reason);

  // Answers from before `since` are forgotten.
  void remember(const std::string& key, const RememberedAnswer& answer, std::int64_t since);
  std::optional<RememberedAnswer> remembered(const std::string& key, std::int64_t since);

  void save(const Sheet& sheet);
  std::optional<Sheet> sheet(const std::string& id);
  std::vector<Sheet> sheets();

  void save(const Column& column);
  std::vector<Column> columns(const std::string& sheet);  // by position
  std::optional<Column> column(const std::string& sheet, std::int64_t id);
  // With its cells and their layers. Their generations stay.
  void remove_column(const Column& column);
  // One that has not ended, in a cell of the column or a layer of such a cell.
  std::optional<std::int64_t> open_generation_of(const Column& column);
  void save(const Row& row);
  std::optional<Row> row(const std::string& sheet, std::int64_t id);
  std::vector<Row> rows(const std::string& sheet);  // by position
  // 0 when there is none.
  std::int64_t last_row_position(const std::string& sheet);
  std::int64_t last_column_position(const std::string& sheet);

  void save(const Cell& cell);
  std::optional<Cell> cell(const std::string& sheet, const std::string& id);
  std::vector<Cell> cells_of_row(const std::string& sheet, std::int64_t row);
  // Cells with autoGenerate that have a card.
  std::vector<Cell> watching_cells(const std::string& sheet);

  void save(const Layer& layer);
  std::optional<Layer> layer(std::int64_t id);
  std::vector<Layer> layers(const std::string& sheet, const std::string& cell);
  void remove_layer(std::int64_t id) { database_.run("DELETE FROM layers WHERE id = ?", id); }

  std::optional<VariableSheet> variables(const std::string& sheet);
  std::optional<std::string> variable(const std::string& sheet, const std::string& key);
  std::optional<Variable> variable(const std::string& sheet, std::int64_t id);
  std::int64_t count_variables(const std::string& sheet);
  // Replaces all of them; they get new ids.
  void set_variables(const std::string& sheet, const std::vector<Variable>& variables);
  // A new one comes last. No other one of the sheet may have its key.
  Variable add_variable(const std::string& sheet, Variable variable);
  void change_variable(const std::string& sheet, const Variable& variable);
  void remove_variable(const std::string& sheet, std::int64_t id);

  void save(const Agent& agent);
  std::optional<Agent> agent(const std::string& id);
  std::vector<Agent> agents();
  // An id that no agent has, and that none had whose generations can still be read.
  std::string next_agent_id();
  // With its hooks. Its generations stay.
  void remove_agent(const std::string& id);
  // One of the agent's that has not ended.
  std::optional<std::int64_t> open_generation_of(const std::string& agent);
  std::vector<Hook> hooks();
  std::optional<Hook> hook(const std::string& agent, const std::string& kind);
  // An empty URL ends it. A new hook hears of what happens from now on.
  void set_hook(const std::string& agent, const std::string& kind, const std::string& url);
  void advance_hook(const std::string& agent, const std::string& kind, std::int64_t cursor);

 private:
  // Makes the tables of a new file, and brings an older one up to date. Throws std::runtime_error
  // with what is wrong with the file.
  void prepare_schema();
  void finish_change();

  Database database_;
  int depth_ = 0;
  std::vector<std::function<void()>> afterwards_;
  std::vector<Observer> observers_;
};

}  // namespace genpro::emulator
