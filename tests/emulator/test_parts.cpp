// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The parts of the server that can be looked at alone.
#include "emulator/http/listener.h"
#include "emulator/http/multipart.h"
#include "emulator/media/sniff.h"
#include "emulator/util/api_error.h"
#include "emulator/util/json.h"
#include "emulator/util/text.h"
#include "emulator_fixture.h"

namespace genpro::emulator::test {

TEST(JsonCheck, TakesWhatTheStandardAllows) {
  for (const char* text :
       {"{}", "[]", " [1,-2.5e+3,0.1,\"\\u00e9\\n\\/\",true,false,null] ", "\"x\"", "0",
        "{\"a\":{\"b\":[{}]}}", "\"\xc3\xa9\"", "[[[]]]", "-0", "1E9", "\"\\ud83d\\ude00\""}) {
    EXPECT_FALSE(json_problem(text)) << text << ": " << *json_problem(text);
  }
}

TEST(JsonCheck, RefusesEverythingElse) {
  for (const char* text :
       {"",        " ",          "{",    "}",       "[1,]",        "{\"a\"}",     "{a:1}",
        "{'a':1}", "[1 2]",      "01",   "1.",      ".5",          "+1",          "1e",
        "tru",     "nul",        "\"",   "\"\\x\"", "\"\\u12g4\"", "\"a\nb\"",    "// x\n1",
        "/**/1",   "NaN",        "{}{}", "[1]]",    "\"\\ud800\"", "\"\\udc00\"", "\"\\u0000\"",
        "\xff",    "{\"a\":1,}", "--1",  "\"\\"}) {
    EXPECT_TRUE(json_problem(text)) << text;
  }
  EXPECT_TRUE(json_problem(std::string("\"\0\"", 3)));
  EXPECT_FALSE(json_problem(std::string(64, '[') + std::string(64, ']')));
  EXPECT_TRUE(json_problem(std::string(65, '[') + std::string(65, ']')));
}

TEST(JsonCanonical, IsTheSameForTheSameValue) {
  const auto canonical = [](const char* text) { return canonical_json(parse_json(text).get()); };
  EXPECT_EQ(canonical(" { \"b\" : [1, 2.50, null], \"a\":{\"y\":true,\"x\":\"\\u0041\\n\"} } "),
            R"({"a":{"x":"A\n","y":true},"b":[1,2.5,null]})");
}

TEST(JsonWriter, WritesNumbersAndTextAsPeopleDo) {
  JsonWriter out;
  out.begin_object().key("a\"\x01").number(4.2).key("b").begin_array().integer(-7).id("42").id(
      "007");
  out.id("x").null().boolean(true).number(3).end_array().end_object();
  EXPECT_EQ(out.text(), R"({"a\"\u0001":4.2,"b":[-7,42,"007","x",null,true,3]})");
}

TEST(Text, ComparesKeys) {
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abcd"));
  EXPECT_FALSE(equal_in_constant_time("", "a"));
}

TEST(Text, TokensDiffer) {
  EXPECT_EQ(random_token().size(), 32u);
  EXPECT_NE(random_token(), random_token());
}

TEST(Text, DigitsOnly) {
  EXPECT_EQ(parse_digits("501"), 501);
  for (const char* text : {"", "-1", "+1", "1a", " 1", "99999999999999999999", "0x1"}) {
    EXPECT_FALSE(parse_digits(text)) << text;
  }
}

TEST(Sniff, KnowsMediaByTheirBytes) {
  const auto kind = [](std::string head) {
    head.resize(std::max<std::size_t>(head.size(), 400));
    const MediaType* type = sniff(head);
    return std::string(type != nullptr ? type->content_type : "none");
  };
  const std::string box("\0\0\0\x18", 4);
  EXPECT_EQ(kind("\x89PNG\r\n\x1a\n"), "image/png");
  EXPECT_EQ(kind("\xff\xd8\xff\xe0"), "image/jpeg");
  EXPECT_EQ(kind("GIF89a"), "image/gif");
  EXPECT_EQ(kind("RIFF1234WEBPVP8 "), "image/webp");
  EXPECT_EQ(kind("RIFF1234WAVEfmt "), "audio/wav");
  EXPECT_EQ(kind("RIFF1234AVI LIST"), "video/x-msvideo");
  EXPECT_EQ(kind(box + "ftypisom"), "video/mp4");
  EXPECT_EQ(kind(box + "ftypqt  "), "video/quicktime");
  EXPECT_EQ(kind(box + "ftypavif"), "image/avif");
  EXPECT_EQ(kind(box + "ftypM4A "), "audio/mp4");
  EXPECT_EQ(kind(box + "moov"), "video/quicktime");
  EXPECT_EQ(kind("\x1a\x45\xdf\xa3....B\x82\x84webm"), "video/webm");
  EXPECT_EQ(kind("\x1a\x45\xdf\xa3....B\x82\x88matroska"), "video/x-matroska");
  EXPECT_EQ(kind("OggS....vorbis"), "audio/ogg");
  EXPECT_EQ(kind("fLaC"), "audio/flac");
  EXPECT_EQ(kind("ID3\x04"), "audio/mpeg");
  EXPECT_EQ(kind("\xff\xfb\x90\x64"), "audio/mpeg");
  EXPECT_EQ(kind("\xff\xf1\x50\x80"), "audio/aac");
  EXPECT_EQ(kind("PK\x03\x04"), "application/zip");
  EXPECT_EQ(std::string(sniff(std::string("\x10\0\0\0\0\0\0\0{\"a\"", 12))->kind), "safe_tensors");
  for (const char* text : {"", "hello", "<html>", "<svg>", "#!/bin/sh", "%PDF-1.7",
                           "\x7f"
                           "ELF",
                           "BM", "{\"a\":1}", "MZ"}) {
    EXPECT_EQ(sniff(text), nullptr) << text;
  }
  EXPECT_EQ(kind(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{\"a\"", 12)), "none");
}

// The same form, cut at every place and fed byte by byte, gives the same parts.
TEST(Multipart, DoesNotDependOnHowTheBodyArrives) {
  const std::string body =
      "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--xyz \r\n"
      "Content-Disposition: form-data; name=\"b\\\"c\"; filename=\"C:\\dir\\f.png\"\r\n"
      "Content-Type: x/y\r\n\r\nline\r\n--xy\r\n--xy z\r\r\n\r\n--xyz--\r\n";
  const auto parse = [](const std::vector<std::string>& pieces) {
    std::string seen;
    MultipartParser parser(
        "multipart/form-data; boundary=xyz",
        {[&](const PartHeader& part) { seen += "<" + part.name + "|" + part.file_name + ">"; },
         [&](std::string_view data) { seen += data; }, [&] { seen += "</>"; }});
    for (const auto& piece : pieces) parser.feed(piece);
    parser.finish();
    return seen;
  };
  const std::string expected = "<a|></><b\"c|C:\\dir\\f.png>line\r\n--xy\r\n--xy z\r\r\n</>";
  EXPECT_EQ(parse({body}), expected);
  std::vector<std::string> bytes;
  for (const char c : body) bytes.emplace_back(1, c);
  EXPECT_EQ(parse(bytes), expected);
  for (std::size_t cut = 0; cut <= body.size(); ++cut) {
    EXPECT_EQ(parse({body.substr(0, cut), body.substr(cut)}), expected) << cut;
  }
}

TEST(Address, OnlyLoopbackGoesWithoutAKey) {
  EmulatorSettings settings;
  for (const char* host : {"127.0.0.1", "127.1.2.3", "::1", "localhost"}) {
    settings.host = host;
    EXPECT_NO_THROW(check_address(settings)) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "192.168.1.1", "8.8.8.8"}) {
    settings.host = host;
    EXPECT_THROW(check_address(settings), std::runtime_error) << host;
  }
  settings.api_key = "k";
  EXPECT_NO_THROW(check_address(settings));
}

TEST(DataFolder, IsForOneServerOnly) {
  const TemporaryFolder folder;
  EmulatorSettings settings;
  settings.data_dir = folder.path("deep/er");
  const RunningEmulator first(settings);
  try {
    const RunningEmulator second(settings);
    FAIL() << "two servers in one folder";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("in use"), std::string::npos) << error.what();
  }
}

}  // namespace genpro::emulator::test
