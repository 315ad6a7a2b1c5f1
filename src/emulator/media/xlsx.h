// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Spreadsheet files: a blank one for global variables is kept here; reading is left to the program
// xlsx2csv, in a process of its own with bounded time and memory.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace genpro::emulator {

inline constexpr const char* xlsx_content_type =
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

// The bytes of an XLSX file with one sheet whose first row holds "key" and "value".
std::string blank_xlsx();

struct XlsxSettings {
  // The converter; the file's path is added. It writes the first sheet as CSV to standard output.
  std::vector<std::string> command{"xlsx2csv", "--sheet", "1"};
  double timeout = 30;  // seconds
};

class XlsxReader {
 public:
  struct Result {
    std::string problem;   // empty: `csv` is what the file holds; else a sentence for the client
    bool is_ours = false;  // the converter is missing or too busy, which no other file will change
    std::string csv;
    bool is_busy = false;  // the same file may be taken a little later
  };
  using Done = std::function<void(const Result&)>;

  explicit XlsxReader(XlsxSettings settings);
  ~XlsxReader();  // kills what runs and calls nobody
  XlsxReader(const XlsxReader&) = delete;
  XlsxReader& operator=(const XlsxReader&) = delete;

  // Converts the file, which has to stay until `done` is called. Never calls back from inside.
  void convert(const std::string& path, Done done);

 private:
  class Child;
  void ended(Child* child, Result result, Done done);

  XlsxSettings settings_;
  std::list<std::unique_ptr<Child>> children_;
};

}  // namespace genpro::emulator
