// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The smallest XLSX file: a ZIP archive of stored (not compressed) XML parts.
#include <cstdint>

#include "xlsx_file.h"

namespace genpro::emulator::test {

namespace {

constexpr std::uint32_t crc_polynomial = 0xEDB88320;
constexpr std::uint32_t local_header = 0x04034b50;
constexpr std::uint32_t central_header = 0x02014b50;
constexpr std::uint32_t end_header = 0x06054b50;
constexpr std::uint32_t zip_version = 20;
constexpr std::uint32_t first_dos_date = (1 << 5) | 1;  // 1980-01-01

std::uint32_t crc32(const std::string& data) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : data) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? crc_polynomial : 0);
  }
  return ~crc;
}

class Zip {
 public:
  void add(const std::string& name, const std::string& data) {
    const auto offset = static_cast<std::uint32_t>(bytes_.size());
    const auto size = static_cast<std::uint32_t>(data.size());
    const std::uint32_t crc = crc32(data);
    put(bytes_, local_header, 4);
    describe(bytes_, crc, size, name);
    bytes_ += name + data;
    put(directory_, central_header, 4);
    put(directory_, zip_version, 2);
    describe(directory_, crc, size, name);
    // Comment, disk, attributes.
    for (int i = 0; i < 10; ++i) put(directory_, 0, 1);
    put(directory_, offset, 4);
    directory_ += name;
    ++entries_;
  }

  std::string finish() {
    const auto offset = static_cast<std::uint32_t>(bytes_.size());
    std::string archive = bytes_ + directory_;
    put(archive, end_header, 4);
    put(archive, 0, 4);
    put(archive, entries_, 2);
    put(archive, entries_, 2);
    put(archive, static_cast<std::uint32_t>(directory_.size()), 4);
    put(archive, offset, 4);
    put(archive, 0, 2);
    return archive;
  }

 private:
  static void put(std::string& to, std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) to += static_cast<char>(value >> (8 * i));
  }

  // What both kinds of headers have in common.
  static void describe(std::string& to, std::uint32_t crc, std::uint32_t size,
                       const std::string& name) {
    put(to, zip_version, 2);
    put(to, 0, 2);  // flags
    put(to, 0, 2);  // stored
    put(to, 0, 2);  // midnight
    put(to, first_dos_date, 2);
    put(to, crc, 4);
    put(to, size, 4);
    put(to, size, 4);
    put(to, static_cast<std::uint32_t>(name.size()), 2);
    put(to, 0, 2);  // extra
  }

  std::string bytes_;
  std::string directory_;
  std::uint32_t entries_ = 0;
};

constexpr const char* xml = R"(<?xml version="1.0" encoding="UTF-8" standalone="yes"?>)";

}  // namespace

std::string xlsx_with_header(const std::vector<std::string>& header) {
  const std::string head = std::string(xml) + "\n";
  const std::string packages = "http://schemas.openxmlformats.org/package/2006/";
  const std::string documents = "http://schemas.openxmlformats.org/officeDocument/2006/";
  const std::string sheets = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
  const std::string type = "application/vnd.openxmlformats-officedocument.spreadsheetml.";
  Zip zip;
  zip.add(
      "[Content_Types].xml",
      head + "<Types xmlns=\"" + packages + "content-types\">" +
          R"(<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>)"
          R"(<Default Extension="xml" ContentType="application/xml"/>)" +
          R"(<Override PartName="/xl/workbook.xml" ContentType=")" + type +
          R"(sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType=")" +
          type + R"(worksheet+xml"/></Types>)");
  zip.add("_rels/.rels", head + "<Relationships xmlns=\"" + packages +
                             R"(relationships"><Relationship Id="rId1" Type=")" + documents +
                             R"(relationships/officeDocument" Target="xl/workbook.xml"/>)" +
                             "</Relationships>");
  zip.add("xl/workbook.xml",
          head + "<workbook xmlns=\"" + sheets + "\" xmlns:r=\"" + documents +
              R"(relationships"><sheets><sheet name="Variables" sheetId="1" r:id="rId1"/>)" +
              "</sheets></workbook>");
  zip.add("xl/_rels/workbook.xml.rels",
          head + "<Relationships xmlns=\"" + packages +
              R"(relationships"><Relationship Id="rId1" Type=")" + documents +
              R"(relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>)");
  std::string cells;
  char column = 'A';
  for (const auto& text : header) {
    cells +=
        std::string("<c r=\"") + column++ + R"(1" t="inlineStr"><is><t>)" + text + "</t></is></c>";
  }
  zip.add("xl/worksheets/sheet1.xml", head + "<worksheet xmlns=\"" + sheets +
                                          R"("><sheetData><row r="1">)" + cells +
                                          "</row></sheetData></worksheet>");
  return zip.finish();
}

}  // namespace genpro::emulator::test
