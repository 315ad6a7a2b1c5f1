// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "api/json.h"

namespace genpro::api {
namespace {

TEST(Json, RefusesWhatTheParserWouldNotBear) {
  EXPECT_TRUE(parse_json(std::string(60, '[') + std::string(60, ']')));
  EXPECT_FALSE(parse_json(std::string(10'000, '[') + std::string(10'000, ']')));
  EXPECT_FALSE(parse_json(std::string(1'000'000, '{')));
  for (const char* text : {"", "  ", "{", "{} {}", "{\"a\":}", "\xff", "<html>"}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
  EXPECT_TRUE(parse_json(R"({"a": "[[[\"]]]"})"));
}

TEST(Json, RefusesWhatIsNoJsonThoughTheParserWouldTakeIt) {
  // In a comment or in single quotes, one double quote would hide all brackets behind it.
  const std::string deep(300'000, '[');
  EXPECT_FALSE(parse_json("/*\"*/" + deep));
  EXPECT_FALSE(parse_json("['\"'," + deep));
  for (const char* text :
       {"/**/{}",        "{/* */}",     "{'a':1}",       "var a = {}",    "[010]",
        "[0x10]",        "[.5]",        "[5.]",          "[1,]",          "[1e]",
        "[+1]",          "[-]",         "[NaN]",         "{\"a\" 1}",     "{1:2}",
        "{\"a\":1,}",    R"(["\q"])",   R"(["\u0000"])", R"(["\ud800"])", R"(["\ud800\u0041"])",
        R"(["\udc00"])", R"(["\u12"])", "[\"",           "[\"\\",         "tru",
        "[nul]",         "[]]"}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
  for (const char* text :
       {"0", "-0", " [1, -2.5, 1e5, 1E-5, 0.1e+2, true, false, null] ", "{\"a\":{}}", "\"\"",
        R"(["\u00e4\ud83d\ude00\n\/\\\"")"
        "]",
        "\xef\xbb\xbf{}", "[\"two\nlines\"]"}) {
    const auto node = parse_json(text);
    EXPECT_TRUE(node) << text << ": " << node.error();
  }
  const auto wrong = parse_json("{\n  \"ä\": 01}");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error(), "it is not JSON: a number begins with a zero (line 2, character 10)");
}

TEST(Json, ReadsAndWritesValuesAsTheyStand) {
  struct Value {
    std::string_view text, canonical;
  };
  for (const auto& [text, canonical] : {
           Value{"9223372036854775807", "9223372036854775807"},
           Value{"-9223372036854775808", "-9223372036854775808"},
           Value{"-0", "0"},
           Value{"18446744073709551617", "1.8446744073709552e+19"},
           Value{"-18446744073709551617", "-1.8446744073709552e+19"},
           Value{"1.0", "1.0"},
           Value{"0.1", "0.10000000000000001"},
           Value{"1e22", "1e+22"},
           Value{"1e999", "1e999"},
           Value{R"("\u00e4\ud83d\ude00\u001f\n\t\b\f\r\/\\\"\u007f")",
                 R"("ä😀\u001f\n\t\b\f\r/\\\"\u007f")"},
           Value{"\"two\r\nlines\tand\x01\"", R"("two\r\nlines\tand\u0001")"},
           Value{R"({"b":1,"a":[],"b":{}})", R"({"a":[],"b":{}})"},
           Value{R"({"":null})", R"({"":null})"},
       }) {
    EXPECT_EQ(canonical_json(text), canonical);
    EXPECT_EQ(canonical_json(canonical), canonical);
    EXPECT_TRUE(parse_json(text)) << text;
  }
}

TEST(Json, AnIntegerOfMoreThan63BitsIsNoId) {
  for (const char* text : {"9223372036854775808", "18446744073709551617", "-1", "1.0"}) {
    const auto node = parse_json(text);
    ASSERT_TRUE(node) << text;
    EXPECT_FALSE(as_id(node->get())) << text;
  }
}

TEST(Json, IsCanonicalWhateverTheOrderOfMembers) {
  EXPECT_EQ(canonical_json(R"( {"b": [2, {"y": null, "x": true}], "a": "n"} )"),
            R"({"a":"n","b":[2,{"x":true,"y":null}]})");
  EXPECT_EQ(canonical_json("no JSON"), "no JSON");
}

}  // namespace
}  // namespace genpro::api
