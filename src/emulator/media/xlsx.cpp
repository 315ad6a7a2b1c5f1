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

// A ZIP archive of the five XML files that a spreadsheet needs.
constexpr const char* blank_in_base64 =
    "UEsDBBQAAAAIAAAAIQDFLx19AAEAAC4CAAATAAAAW0NvbnRlbnRfVHlwZXNdLnhtbK2RzU7DMBCE7zyF5WsVO+WAEErS"
    "Q4EjcCgPsDibxIr/5HVL+vY4aeGAClw4reyZ2W9kV5vJGnbASNq7mq9FyRk65Vvt+pq/7h6LW84ogWvBeIc1PyLxTXNV"
    "7Y4BieWwo5oPKYU7KUkNaIGED+iy0vloIeVj7GUANUKP8rosb6TyLqFLRZp38Ka6xw72JrGHKV+fikQ0xNn2ZJxZNYcQ"
    "jFaQsi4Prv1GKc4EkZOLhwYdaJUNXF4kzMrPgHPuOb9M1C2yF4jpCWx2ycnIdx/HN+9H8fuSCy1912mFrVd7myOCQkRo"
    "aUBM1ohlCgvarf7mL2aSy1j/c5Gv/Z895PLdzQdQSwMEFAAAAAgAAAAhAAZZx4KxAAAAKAEAAAsAAABfcmVscy8ucmVs"
    "c43PsQ6CMBAG4N2naG6XgoMxhsJiTFgNPkBtj0KAXtNWhbe3oxoHx8v99/25sl7miT3Qh4GsgCLLgaFVpAdrBFzb8/YA"
    "LERptZzIooAVA9TVprzgJGO6Cf3gAkuIDQL6GN2R86B6nGXIyKFNm478LGMaveFOqlEa5Ls833P/bkD1YbJGC/CNLoC1"
    "q8N/bOq6QeGJ1H1GG39UfCWSLL3BKGCZ+JP8eCMas4QCr0r+8WD1AlBLAwQUAAAACAAAACEAuqFX6b8AAAAfAQAADwAA"
    "AHhsL3dvcmtib29rLnhtbI2PT2/CMAzF7/sUke8jZYdpqtpymSZxZ9xN49KIxK7ssMG3J4Jx38n/9J5/r9tccnI/pBaF"
    "e1ivGnDEo4TIxx6+d1+vH+CsIAdMwtTDlQw2w0v3K3o6iJxc1bP1MJeytN7bOFNGW8lCXC+TaMZSRz16W5Qw2ExUcvJv"
    "TfPuM0aGh0Or//GQaYojfcp4zsTlYaKUsFR6m+NiMHT3D/ZXHWOu1HvUiIdU2d19vQ01KzhtY210G9bgh84/lf4ZbrgB"
    "UEsDBBQAAAAIAAAAIQCabzx8tQAAACkBAAAaAAAAeGwvX3JlbHMvd29ya2Jvb2sueG1sLnJlbHONz80KwjAMB/C7T1Fy"
    "d9k8iMi6XUTYVeYDlC77YFtbmvqxt7d4EAcePIXkT34hefmcJ3Enz4M1ErIkBUFG22YwnYRrfd4eQHBQplGTNSRhIYay"
    "2OQXmlSIO9wPjkVEDEvoQ3BHRNY9zYoT68jEpLV+ViG2vkOn9Kg6wl2a7tF/G1CsTFE1EnzVZCDqxdE/tm3bQdPJ6ttM"
    "Jvw4gQ/rR+6JQkSV7yhI+IwY3yVLogpY5Lj6sHgBUEsDBBQAAAAIAAAAIQDFpyjcvAAAABkBAAAYAAAAeGwvd29ya3No"
    "ZWV0cy9zaGVldDEueG1sdU9BTgMxDLzzish36m0PCKEkFajiA8ADrF3TjZo4q9i09PekFUJw4GJ5xjMe228/S3ZHbpqq"
    "BFivBnAsY52S7AO8vT7f3oNTI5koV+EAZ1bYxht/qu2gM7O5vkA0wGy2PCDqOHMhXdWFpU/eaytkHbY96tKYpqupZNwM"
    "wx0WSgLRX7kdGUXf6sm1fkhnx0vzuAZnAZLkJPxirfNJo7d44LNHix4vEMdv+dN/8iPlD/5rwJ7V669w/PkqfgFQSwEC"
    "FAMUAAAACAAAACEAxS8dfQABAAAuAgAAEwAAAAAAAAAAAAAAgAEAAAAAW0NvbnRlbnRfVHlwZXNdLnhtbFBLAQIUAxQA"
    "AAAIAAAAIQAGWceCsQAAACgBAAALAAAAAAAAAAAAAACAATEBAABfcmVscy8ucmVsc1BLAQIUAxQAAAAIAAAAIQC6oVfp"
    "vwAAAB8BAAAPAAAAAAAAAAAAAACAAQsCAAB4bC93b3JrYm9vay54bWxQSwECFAMUAAAACAAAACEAmm88fLUAAAApAQAA"
    "GgAAAAAAAAAAAAAAgAH3AgAAeGwvX3JlbHMvd29ya2Jvb2sueG1sLnJlbHNQSwECFAMUAAAACAAAACEAxaco3LwAAAAZ"
    "AQAAGAAAAAAAAAAAAAAAgAHkAwAAeGwvd29ya3NoZWV0cy9zaGVldDEueG1sUEsFBgAAAAAFAAUARQEAANYEAAAAAA==";

}  // namespace

std::string blank_xlsx() {
  gsize size = 0;
  const Owned<guchar, g_free> bytes(g_base64_decode(blank_in_base64, &size));
  return {reinterpret_cast<const char*>(bytes.get()), size};
}

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
