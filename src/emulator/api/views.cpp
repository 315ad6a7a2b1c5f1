// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/api/views.h"

#include <algorithm>

#include "emulator/domain/layers.h"
#include "emulator/domain/pricing.h"

namespace genpro::emulator {

namespace {

void write_times(JsonWriter& json, std::int64_t created, std::int64_t updated) {
  json.key("created_at_ts").integer(created).key("updated_at_ts").integer(updated);
}

struct Jobs {
  std::string list;       // JSON
  std::string preferred;  // JSON of the default one
  MilliCredits cost = 0;
  std::int64_t updated_at = 0;
};

// The default is the one that was chosen, else the latest that was completed.
Jobs write_jobs(const Views& views, const std::vector<Generation>& jobs,
                std::optional<std::int64_t> chosen) {
  Jobs written;
  JsonWriter list;
  list.begin_array();
  written.preferred = "null";
  bool is_chosen = false;
  for (const auto& job : jobs) {
    const std::string json = views.generation(job);
    list.raw(json);
    written.updated_at = std::max(written.updated_at, job.updated_at);
    if (has_ended(job.status)) written.cost += job.charged;
    if (chosen == job.id) is_chosen = true;
    if (chosen == job.id || (!is_chosen && job.status == Status::completed)) {
      written.preferred = json;
    }
  }
  written.list = list.end_array().text();
  return written;
}

// "/cdn/<token>/outputs/vid_ingredients_001.mp4": nobody can guess the address of a clip, which
// needs no key. An earlier emulator gave names without a token.
std::string output_path(const Output& output, const char* folder, const char* extension) {
  const auto dash = output.name.find('-');
  const std::string path = folder + output.name.substr(0, dash) + extension;
  return dash == std::string::npos ? path : "/cdn/" + output.name.substr(dash + 1) + path;
}

// "execution_cost" in credits.
void write_cost(JsonWriter& json, MilliCredits cost) {
  json.key("execution_cost").number(credits(cost));
}

}  // namespace

const char* container_of(const Generation& generation) {
  return generation.layer ? "VideoLayer" : "SpreadsheetCell";
}

std::string iso_time(std::int64_t milliseconds) {
  const DateTimePtr time(g_date_time_new_from_unix_utc(milliseconds / 1000));
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(milliseconds % 1000));
  return take_string(g_date_time_format(time.get(), "%Y-%m-%dT%H:%M:%S")) + fraction;
}

std::string Views::generation(const Generation& generation) const {
  JsonWriter json;
  json.begin_object();
  write(json, generation);
  return json.end_object().text();
}

void Views::write(JsonWriter& json, const Generation& generation) const {
  json.key("id").integer(generation.id);
  json.key("status").string(status_word(generation.status));
  json.key("user_job_type").string("video_generation").key("result").null();
  const std::string& reason = generation.failed_reason;
  json.key("failed_reason").string_or_null(reason.empty() ? std::nullopt : std::optional(reason));
  json.key("output_resources").begin_array();
  if (generation.output) {
    const Output& output = *generation.output;
    const char* extension = extension_of(generation.settings.kind);
    json.begin_object().key("id").integer(output.id);
    json.key("url").string(faults_.link(origin_ + output_path(output, "/outputs/", extension)));
    json.key("thumbnail_url").string(origin_ + output_path(output, "/thumbnails/", ".jpg"));
    json.key("object_type").string("video").key("type").string("output").end_object();
  }
  json.end_array();
  // The cost is settled at the end; until then, and after a refund, there is none.
  write_cost(json, has_ended(generation.status) ? generation.charged : 0);
  // The seed's record of a completed one has no such member.
  if (generation.status == Status::completed && is_of_seed(generation.settings)) return;
  const std::string& outcome = generation.credit_outcome;
  json.key("credit_outcome");
  json.string_or_null(has_ended(generation.status) && !outcome.empty() ? std::optional(outcome)
                                                                       : std::nullopt);
}

void Views::write_request(JsonWriter& json, const Generation& generation) {
  json.key("agent_id").id(generation.agent);
  // Of a job by itself there is neither.
  const bool has_cell = !generation.cell.empty();
  json.key("sheet_id");
  has_cell ? json.id(generation.sheet) : json.string_or_null(std::nullopt);
  json.key("cell_id");
  has_cell ? json.id(generation.cell) : json.string_or_null(std::nullopt);
  json.key("layer_id").integer_or_null(generation.layer);
}

void Views::write_settings(JsonWriter& json, const GenerationSettings& settings) {
  json.key("prompt").string(settings.prompt).key("asset_resource_ids").begin_array();
  for (const auto id : settings.asset_ids) json.integer(id);
  json.end_array();
  if (settings.kind != Kind::ingredients) {
    json.key("generation_type").string(kind_word(settings.kind));
  }
  json.key("model").string(settings.model);
  json.key("aspect_ratio").string(settings.aspect_ratio);
  json.key("duration").integer(settings.duration);
}

std::string Views::resource(const Resource& resource) const {
  JsonWriter json;
  json.begin_object();
  write(json, resource);
  return json.end_object().text();
}

void Views::write(JsonWriter& json, const Resource& resource) const {
  const std::string url = origin_ + "/uploads/" + resource.stored_name;
  json.key("id").integer(resource.id).key("url").string(url);
  // An image is its own thumbnail.
  json.key("thumbnail_url");
  json.string_or_null(resource.kind == "image" ? std::optional(url) : std::nullopt);
  json.key("file_name").string(resource.file_name);
  json.key("content_type").string(resource.content_type);
}

std::string Views::layer(const Layer& layer) const {
  const Jobs jobs = write_jobs(*this, store_.generations_of_layer(layer.id), {});
  JsonWriter json;
  json.begin_object().key("id").integer(layer.id).key("name").string(layer.name);
  json.key("position").integer(layer.position).key("type").string(layer.type);
  json.key("additional_attributes").raw(layer.attributes);
  write_times(json, layer.created_at, std::max(layer.updated_at, jobs.updated_at));
  json.key("default_user_job").raw(jobs.preferred).key("user_jobs").raw(jobs.list);
  write_cost(json, jobs.cost);
  return json.end_object().text();
}

std::string Views::cell_of_type(const Cell& cell, const std::string& column_type,
                                MilliCredits* cost) const {
  const Jobs jobs = write_jobs(*this, store_.generations(cell.sheet, cell.id), cell.default_job);
  JsonWriter json;
  json.begin_object().key("id").id(cell.id).key("value").string_or_null(cell.value);
  json.key("additional_attributes").raw(cell.attributes);
  json.key("cell_role").string(column_type == "video" ? "video" : "content");
  write_times(json, cell.created_at, std::max(cell.updated_at, jobs.updated_at));
  json.key("default_user_job").raw(jobs.preferred).key("user_jobs").raw(jobs.list);
  json.key("video_layers")
      .raw(json_array(store_.layers(cell.sheet, cell.id),
                      [this](const Layer& part) { return layer(part); }));
  write_cost(json, jobs.cost);
  if (cost != nullptr) *cost += jobs.cost;
  return json.end_object().text();
}

std::string Views::cell(const Cell& cell) const {
  for (const auto& column : store_.columns(cell.sheet)) {
    if (column.id == cell.column) return cell_of_type(cell, column.type);
  }
  return cell_of_type(cell, {});
}

std::string Views::column(const Column& column) const {
  JsonWriter json;
  json.begin_object().key("id").integer(column.id).key("title").string(column.title);
  json.key("temp_title").null().key("type").string(column.type);
  json.key("column_role").null().key("description").null();
  json.key("position").integer(column.position);
  json.key("additional_attributes").raw(column.attributes);
  write_times(json, column.created_at, column.updated_at);
  return json.end_object().text();
}

std::string Views::row(const Row& row, bool with_cost) const {
  return row_under(fill(row, store_.columns(row.sheet), with_cost), Names::both);
}

std::string Views::rows(const std::string& sheet, bool with_cost) const {
  return rows_under(filled_rows(sheet, with_cost), Names::both);
}

std::string Views::columns(const std::string& sheet) const {
  return json_array(store_.columns(sheet), [this](const Column& entry) { return column(entry); });
}

Views::FilledRow Views::fill(const Row& row, const std::vector<Column>& columns,
                             bool with_cost) const {
  MilliCredits cost = 0;
  const std::vector<Cell> cells = store_.cells_of_row(row.sheet, row.id);
  JsonWriter list;
  list.begin_array();
  // In the order of the columns, which are not known in the cells.
  for (const auto& column : columns) {
    for (const auto& cell : cells) {
      if (cell.column == column.id) list.raw(cell_of_type(cell, column.type, &cost));
    }
  }
  return {row, list.end_array().text(), with_cost ? std::optional(cost) : std::nullopt};
}

std::vector<Views::FilledRow> Views::filled_rows(const std::string& sheet, bool with_cost) const {
  const std::vector<Column> columns = store_.columns(sheet);
  std::vector<FilledRow> filled;
  for (const auto& entry : store_.rows(sheet)) filled.push_back(fill(entry, columns, with_cost));
  return filled;
}

std::string Views::row_under(const FilledRow& filled, Names names) {
  const Row& row = filled.row;
  JsonWriter json;
  json.begin_object().key("id").integer(row.id).key("position").integer(row.position);
  json.key("additional_attributes").raw(row.attributes);
  write_times(json, row.created_at, row.updated_at);
  if (names != Names::sdk) json.key("spreadsheet_cells").raw(filled.cells);
  if (names != Names::reference) json.key("cells").raw(filled.cells);
  if (filled.cost) write_cost(json, *filled.cost);
  return json.end_object().text();
}

std::string Views::rows_under(const std::vector<FilledRow>& rows, Names names) {
  return json_array(rows, [names](const FilledRow& filled) { return row_under(filled, names); });
}

void Views::write_head(JsonWriter& json, const Sheet& sheet) const {
  json.key("id").id(sheet.id);
  json.key("slug").string("sheet-" + sheet.id).key("title").string(sheet.title);
  json.key("project_type").string("autocontentengine");
  json.key("is_default").boolean(sheet.is_default).key("uuid").string(sheet.uuid);
  json.key("status").string("active").key("created_at").integer(sheet.created_at / 1000);
  write_times(json, sheet.created_at, sheet.updated_at);
}

std::string Views::sheet_head(const Sheet& sheet) const {
  JsonWriter json;
  json.begin_object();
  write_head(json, sheet);
  for (const char* name : {"spreadsheet_columns", "spreadsheet_rows", "columns", "rows"}) {
    json.key(name).begin_array().end_array();
  }
  return json.key("global_variables_sheet").raw(variables(sheet.id)).end_object().text();
}

std::string Views::sheet(const Sheet& sheet, bool with_cost) const {
  JsonWriter json;
  json.begin_object();
  write_head(json, sheet);
  // Each of the two kinds of clients finds all of it under its names, and nothing twice.
  const std::string columns = this->columns(sheet.id);
  const std::vector<FilledRow> rows = filled_rows(sheet.id, with_cost);
  json.key("spreadsheet_columns").raw(columns);
  json.key("spreadsheet_rows").raw(rows_under(rows, Names::reference));
  json.key("columns").raw(columns).key("rows").raw(rows_under(rows, Names::sdk));
  json.key("global_variables_sheet").raw(variables(sheet.id));
  return json.end_object().text();
}

std::string Views::variables(const std::string& sheet) const {
  const auto found = store_.variables(sheet);
  if (!found) return "null";
  JsonWriter json;
  json.begin_object().key("id").integer(found->id).key("variables");
  json.raw(json_array(found->variables, [this](const Variable& entry) { return variable(entry); }));
  return json.end_object().text();
}

std::string Views::variable(const Variable& variable) const {
  JsonWriter json;
  json.begin_object().key("id").integer(variable.id).key("key").string(variable.key);
  return json.key("value").string(variable.value).end_object().text();
}

}  // namespace genpro::emulator
