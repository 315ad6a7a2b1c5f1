// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/xlsx.h"

#include <sys/wait.h>

#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "emulator/util/child_process.h"
#include "emulator/util/timer.h"

namespace genpro::emulator {

namespace {

constexpr std::size_t max_csv = 4 * 1024 * 1024;
constexpr std::size_t max_children = 4;
// A small file may say that it unpacks to gigabytes.
constexpr std::uint64_t max_memory = std::uint64_t{1024} * 1024 * 1024;

}  // namespace

class XlsxReader::Child {
 public:
  Child(XlsxReader& reader, Done done) : reader_(reader), done_(std::move(done)) {}

  void start(const XlsxSettings& settings, const std::string& path) {
    ChildSettings child{settings.command, settings.timeout, max_memory};
    child.command.push_back(path);
    try {
      process_.start(
          child, [this](std::string_view output) { take_output(output); },
          [this](int status, bool timed_out) { conclude(status, timed_out); });
    } catch (const std::runtime_error& failure) {
      fail_soon({std::string("XLSX files need the program xlsx2csv: ") + failure.what() +
                     ". Install the package xlsx2csv, or import CSV or JSON.",
                 true,
                 {},
                 false});
    }
  }

  void fail_soon(Result result) {
    result_ = std::move(result);
    timer_.start(0, [this] { reader_.ended(this, result_, done_); });
  }

 private:
  void take_output(std::string_view output) {
    if (result_.csv.size() > max_csv) return;
    result_.csv.append(output);
    if (result_.csv.size() > max_csv) process_.kill();
  }

  void conclude(int status, bool timed_out) {
    if (result_.csv.size() > max_csv) {
      result_.problem = "The XLSX file holds more than 4 MB of text. Import a smaller one.";
    } else if (timed_out) {
      result_.problem = "The XLSX file could not be read in time. Import CSV or JSON.";
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      result_.problem =
          "The file is no XLSX file that can be read. Start from the template at "
          "/v1/autocontentengine/global_variables_template, or import CSV or JSON.";
    }
    reader_.ended(this, result_, done_);
  }

  XlsxReader& reader_;
  Done done_;
  ChildProcess process_;
  Timer timer_;
  Result result_;
};

XlsxReader::XlsxReader(XlsxSettings settings) : settings_(std::move(settings)) {}

XlsxReader::~XlsxReader() = default;

void XlsxReader::convert(const std::string& path, Done done) {
  const bool too_many = children_.size() >= max_children;
  Child& child = *children_.emplace_back(std::make_unique<Child>(*this, std::move(done)));
  if (too_many) {
    child.fail_soon({"Too many XLSX files are read at the moment. Try again.", true, {}, true});
    return;
  }
  child.start(settings_, path);
}

// Copies: what they are taken from goes first.
void XlsxReader::ended(Child* child, Result result, Done done) {
  children_.remove_if([child](const auto& owned) { return owned.get() == child; });
  done(result);
}

}  // namespace genpro::emulator
