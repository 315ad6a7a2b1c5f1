// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/batch/rows.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "api/json.h"
#include "base/text.h"

namespace genpro::cli {

namespace {

[[noreturn]] void fail(std::size_t line, const std::string& problem) {
  throw std::runtime_error("Line " + std::to_string(line) + " " + problem);
}

// ---- CSV ----

struct Record {
  std::size_t line = 0;
  std::vector<std::string> fields;
};

class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text) {}

  // False at the end. Empty lines are skipped.
  bool next(Record& record) {
    while (at_ < text_.size() && take_line_end()) {
    }
    if (at_ >= text_.size()) return false;
    record = {line_, {}};
    do record.fields.push_back(field());
    while (take(','));
    if (at_ < text_.size() && !take_line_end()) {
      fail(line_, "has text behind the closing quote of a field. Double a quote within one.");
    }
    return true;
  }

 private:
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take_line_end() {
    const bool has_return = take('\r');
    if (!take('\n') && !has_return) return false;
    ++line_;
    return true;
  }
  std::string field() {
    if (take('"')) return quoted();
    const std::size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    const std::string_view field = text_.substr(at_, end - at_);
    at_ = end;
    return std::string(trim(field));
  }
  std::string quoted() {
    const std::size_t began = line_;
    std::string field;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        if (at_ >= text_.size() || text_[at_] != '"') return field;
      } else if (text_[at_] == '\n') {
        ++line_;
      }
      field += text_[at_];
    }
    fail(began, "has a quote that is never closed.");
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

std::vector<Row> parse_csv(std::string_view text) {
  CsvReader reader(text);
  Record names;
  if (!reader.next(names)) return {};
  if (std::ranges::find(names.fields, "") != names.fields.end()) {
    fail(names.line, "has a column without a name.");
  }
  for (const auto& [separator, name] : {std::pair(';', "semicolons"), std::pair('\t', "tabs")}) {
    if (names.fields.size() == 1 && names.fields[0].find(separator) != std::string::npos) {
      fail(names.line, std::string("has ") + name +
                           " between its columns. Save the table with commas between them.");
    }
  }
  std::set<std::string> seen;
  for (const std::string& name : names.fields) {
    if (!seen.insert(name).second) {
      fail(names.line, "names the column \"" + one_line(name, 60) + "\" twice.");
    }
  }
  std::vector<Row> rows;
  for (Record record; reader.next(record);) {
    if (record.fields.size() != names.fields.size()) {
      fail(record.line,
           "has " + std::to_string(record.fields.size()) + " fields, and the first line names " +
               std::to_string(names.fields.size()) + " columns. Quote a field that holds a comma.");
    }
    Row row{record.line, {}};
    for (std::size_t index = 0; index < names.fields.size(); ++index) {
      if (record.fields[index].empty()) continue;
      row.fields.emplace_back(names.fields[index], std::move(record.fields[index]));
    }
    if (!row.fields.empty()) rows.push_back(std::move(row));
  }
  return rows;
}

// ---- JSON lines ----

void add_value(Row& row, const std::string& name, JsonNode* value) {
  if (JsonArray* list = api::as_array(value)) {
    for (JsonNode* element : api::elements(list)) {
      if (api::as_array(element) != nullptr) fail(row.line, "has a list within a list.");
      add_value(row, name, element);
    }
    return;
  }
  if (json_node_is_null(value)) return;
  const auto text = api::as_text(value);
  if (!text) {
    fail(row.line, "has an object as \"" + one_line(name, 60) +
                       "\". A member is a text, a number, a boolean or a list of those.");
  }
  if (!text->empty()) row.fields.emplace_back(name, *text);
}

std::vector<Row> parse_json_lines(std::string_view text) {
  std::vector<Row> rows;
  std::size_t line = 0;
  for (const std::string_view one : split(text, '\n')) {
    ++line;
    if (trim(one).empty()) continue;
    const auto object = api::parse_json_object(one);
    if (!object) fail(line, "is no JSON object: " + object.error() + ".");
    Row row{line, {}};
    for (const auto& [name, value] : api::members(object->get())) add_value(row, name, value);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

std::vector<Row> parse_rows(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  if (!is_utf8(text) || text.find('\0') != std::string_view::npos) {
    throw std::runtime_error("It is no UTF-8 text. Save it as CSV in UTF-8.");
  }
  return trim(text).starts_with('{') ? parse_json_lines(text) : parse_csv(text);
}

}  // namespace genpro::cli
