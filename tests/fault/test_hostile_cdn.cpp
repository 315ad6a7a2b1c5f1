// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Answers that contradict themselves, the request or the ones before: an error, or the right bytes.
#include "fault/delivery_fixture.h"

namespace genpro::test {
namespace {

using Kind = Trouble::Kind;

std::string length_line(std::size_t length) {
  return "Content-Length: " + std::to_string(length);
}

std::string range_line(std::size_t first, std::size_t last, const std::string& total) {
  return "Content-Range: bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" + total;
}

constexpr const char* tag_line = "ETag: \"first\"";
constexpr const char* partial = "206 Partial Content";

// The whole answer, head and body, to a request for all bytes of the clip from `first` on.
struct Lie {
  const char* name;
  std::function<std::string(std::size_t first, const std::string& clip)> answer;
  bool may_be_whole = false;  // what came is all right; else there has to be an error
};

void PrintTo(const Lie& lie, std::ostream* out) {
  *out << lie.name;
}

std::string total_of(const std::string& clip) {
  return std::to_string(clip.size());
}

const std::vector<Lie> lies{
    {"no_content", [](std::size_t, const std::string&) { return head("204 No Content", {}); }},
    {"reset_content",
     [](std::size_t, const std::string&) { return head("205 Reset Content", {length_line(0)}); }},
    {"not_modified",
     [](std::size_t, const std::string&) { return head("304 Not Modified", {tag_line}); }},
    {"multiple_choices",
     [](std::size_t, const std::string&) {
       return head("300 Multiple Choices", {length_line(0)});
     }},
    {"transformed",
     [](std::size_t, const std::string& clip) {
       return head("203 Non-Authoritative Information", {length_line(clip.size())}) + clip;
     }},
    {"partial_without_range",
     [](std::size_t first, const std::string& clip) {
       return head(partial, {tag_line, length_line(clip.size() - first)}) + clip.substr(first);
     }},
    {"two_ranges",
     [](std::size_t first, const std::string& clip) {
       return head(partial, {tag_line, length_line(clip.size() - first),
                             range_line(0, clip.size() - 1, total_of(clip)),
                             range_line(first, clip.size() - 1, total_of(clip))}) +
              clip.substr(first);
     }},
    {"several_parts",
     [](std::size_t first, const std::string& clip) {
       const std::string body = "--x\r\nContent-Type: video/mp4\r\n" +
                                range_line(first, clip.size() - 1, total_of(clip)) + "\r\n\r\n" +
                                clip.substr(first) + "\r\n--x--\r\n";
       return "HTTP/1.1 206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=x\r\n" +
              length_line(body.size()) + "\r\n\r\n" + body;
     }},
    {"a_later_start",
     [](std::size_t first, const std::string& clip) {
       return head(partial, {tag_line, length_line(clip.size() - first - 1),
                             range_line(first + 1, clip.size() - 1, total_of(clip))}) +
              clip.substr(first + 1);
     }},
    {"a_length_that_is_not_the_ranges",
     [](std::size_t first, const std::string& clip) {
       return head(partial, {tag_line, length_line(clip.size() - first - 1),
                             range_line(first, clip.size() - 1, total_of(clip))}) +
              clip.substr(first, clip.size() - first - 1);
     }},
    {"a_range_beyond_the_total",
     [](std::size_t first, const std::string& clip) {
       return head(partial, {tag_line, length_line(clip.size() - first + 1),
                             range_line(first, clip.size(), total_of(clip))}) +
              clip.substr(first) + "x";
     }},
    {"a_range_in_lines",
     [](std::size_t first, const std::string& clip) {
       return head(partial,
                   {tag_line, length_line(clip.size() - first), "Content-Range: lines 1-2/3"}) +
              clip.substr(first);
     }},
    {"more_than_the_range",
     [](std::size_t first, const std::string& clip) {
       return head(partial, {tag_line, "Transfer-Encoding: chunked",
                             range_line(first, first + 99, total_of(clip))}) +
              chunked_body(clip.substr(first, 50'000));
     }},
    {"compressed",
     [](std::size_t first, const std::string& clip) {
       return head(partial, {tag_line, "Content-Encoding: gzip", length_line(clip.size() - first),
                             range_line(first, clip.size() - 1, total_of(clip))}) +
              clip.substr(first);
     }},
    {"compressed_as_a_whole",
     [](std::size_t, const std::string& clip) {
       return head("200 OK", {tag_line, "Content-Encoding: br", length_line(clip.size())}) + clip;
     }},
    {"compressed_twice",
     [](std::size_t, const std::string& clip) {
       return head("200 OK", {tag_line, "Content-Encoding: gzip", "Content-Encoding: identity",
                              length_line(clip.size())}) +
              clip;
     }},
    {"compressed_for_the_transfer",
     [](std::size_t, const std::string& clip) {
       return head("200 OK", {tag_line, "Transfer-Encoding: gzip, chunked"}) + chunked_body(clip);
     }},
    {"no_such_range",
     [](std::size_t, const std::string& clip) {
       return head("416 Range Not Satisfiable",
                   {length_line(0), "Content-Range: bytes */" + total_of(clip)});
     }},
    {"a_range_for_which_there_is_no_byte",
     [](std::size_t, const std::string&) {
       return head("416 Range Not Satisfiable", {length_line(0), "Content-Range: bytes */0"});
     }},
    {"nothing", [](std::size_t, const std::string&) { return head("200 OK", {length_line(0)}); }},
    {"an_error_page_as_the_clip",
     [](std::size_t, const std::string&) {
       return head("200 OK", {length_line(26)}) + "<html>Sign in, then</html>";
     }},
    {"two_lengths",
     [](std::size_t, const std::string& clip) {
       return head("200 OK", {length_line(clip.size()), length_line(clip.size() - 100)}) + clip;
     }},
    {"no_http", [](std::size_t, const std::string& clip) { return clip; }},
    {"an_endless_head",
     [](std::size_t, const std::string&) {
       return "HTTP/1.1 200 OK\r\nX: " + std::string(3'000'000, 'x');
     }},
    {"a_chunk_of_no_number",
     [](std::size_t, const std::string& clip) {
       return head("200 OK", {tag_line, "Transfer-Encoding: chunked"}) + "zz\r\n" + clip;
     }},
    // Nothing of these is wrong with the bytes that count.
    {"a_total_that_is_not_told",
     [](std::size_t first, const std::string& clip) {
       return head(partial, {tag_line, length_line(clip.size() - first),
                             range_line(first, clip.size() - 1, "*")}) +
              clip.substr(first);
     },
     true},
    {"a_smaller_part_than_asked_for",
     [](std::size_t first, const std::string& clip) {
       const std::size_t end = std::min(first + 100'000, clip.size());
       return head(partial, {tag_line, length_line(end - first),
                             range_line(first, end - 1, total_of(clip))}) +
              clip.substr(first, end - first);
     },
     true},
    {"more_bytes_than_the_length",
     [](std::size_t first, const std::string& clip) {
       return head(partial, {tag_line, length_line(clip.size() - first),
                             range_line(first, clip.size() - 1, total_of(clip))}) +
              clip.substr(first) + "and more of them";
     },
     true},
    {"a_length_beside_chunks",
     [](std::size_t first, const std::string& clip) {
       return head(partial, {tag_line, "Transfer-Encoding: chunked", length_line(7),
                             range_line(first, clip.size() - 1, total_of(clip))}) +
              chunked_body(clip.substr(first));
     },
     true},
    {"a_part_until_the_connection_ends",
     [](std::size_t first, const std::string& clip) {
       return head(partial, {tag_line, "Connection: close",
                             range_line(first, clip.size() - 1, total_of(clip))}) +
              clip.substr(first);
     },
     true},
};

class Lying : public Delivery, public testing::WithParamInterface<Lie> {
 protected:
  // Also where no range is asked for.
  static std::string lie(const Seen& seen, const std::string& clip) {
    return GetParam().answer(seen.header("range").empty() ? 0 : range_begin(seen), clip);
  }
  // One error and nothing wrong, or everything.
  void check(const Streamed& streamed, const std::string& clip) {
    if (GetParam().may_be_whole)
      expect_whole(streamed, clip);
    else
      expect_error(streamed, clip);
  }
};

TEST_P(Lying, AtOnce) {
  service.files().set_script(
      [](const Seen& seen, int) { return wire_answer(lie(seen, short_clip())); });
  check(run_it({{"retries", "1"}}), short_clip());
}

TEST_P(Lying, WhenTheDownloadGoesOn) {
  service.set_clip({.bytes = long_clip()});
  service.files().add_trouble({.kind = Kind::cut, .at = late});
  service.files().set_script([](const Seen& seen, int number) -> std::optional<Answer> {
    if (number == 1) return std::nullopt;
    return wire_answer(lie(seen, long_clip()));
  });
  check(run_it({{"retries", "1"}}), long_clip());
}

INSTANTIATE_TEST_SUITE_P(Each, Lying, testing::ValuesIn(lies),
                         [](const auto& tested) { return std::string(tested.param.name); });

class Hostile : public Delivery {
 protected:
  // The second request gets this answer, after a cut when the first bytes have been pushed.
  Streamed run_with_second(std::string answer) {
    service.set_clip({.bytes = long_clip()});
    service.files().add_trouble({.kind = Kind::cut, .at = late});
    service.files().set_script([answer](const Seen&, int number) -> std::optional<Answer> {
      if (number == 1) return std::nullopt;
      return wire_answer(answer);
    });
    return run_it({{"retries", "1"}});
  }
};

TEST_F(Hostile, AnotherTotalIsAnError) {
  expect_error(run_with_second(head(partial, {tag_line, length_line(100),
                                              range_line(late - overlap, late - overlap + 99,
                                                         std::to_string(long_size + 7))})),
               long_clip(), {"changed", "length"});
}

TEST_F(Hostile, AClipThatShrankToWhatIsThereIsAnError) {
  expect_error(run_with_second(head("416 Range Not Satisfiable",
                                    {length_line(0), "Content-Range: bytes */3000000"})),
               long_clip(), {"changed", "3000000"});
}

TEST_F(Hostile, MoreThanTheWholeClipIsAnError) {
  const std::string more = long_clip().substr(late - overlap) + std::string(100'000, 'x');
  service.set_clip({.bytes = long_clip()});
  service.files().add_trouble({.kind = Kind::cut, .at = late});
  service.files().set_script([more](const Seen&, int number) -> std::optional<Answer> {
    if (number == 1) return std::nullopt;
    return wire_answer(
        head(partial, {tag_line, "Transfer-Encoding: chunked",
                       range_line(late - overlap, long_size - 1, std::to_string(long_size))}) +
        chunked_body(more));
  });
  const Streamed streamed = run_it();
  // Its bytes are all right up to there, so that they may be out.
  expect_one_error(streamed.outcome, {.generation_id = "9040"});
  EXPECT_EQ(streamed.bytes, long_clip().substr(0, streamed.bytes.size()));
}

// Which no further try makes better.
TEST_F(Hostile, AnEndThatIsToldInNoKnownWayIsAnErrorAtOnce) {
  for (const std::string line : {"Content-Length: many", "Transfer-Encoding: gzip, chunked"}) {
    SCOPED_TRACE(line);
    service.files().set_script([line](const Seen&, int) {
      return wire_answer(head("200 OK", {line}) + chunked_body(short_clip()));
    });
    const std::size_t before = service.count(is_cdn);
    expect_error(run_it(), short_clip(), {"where its answer ends"});
    EXPECT_EQ(service.count(is_cdn) - before, 1U);
  }
}

// Without a length, what is in the clip tells whether it is all of it.
class WithoutLength : public Delivery, public testing::WithParamInterface<bool> {
 protected:
  Streamed run_cut(const std::string& clip, std::size_t size) {
    service.files().set_script([clip, size](const Seen&, int) {
      return wire_answer(GetParam() ? head("200 OK", {"Transfer-Encoding: chunked"}) +
                                          chunked_body(clip.substr(0, size))
                                    : head("200 OK", {"Connection: close"}) + clip.substr(0, size));
    });
    return run_it({{"retries", "1"}});
  }
};

TEST_P(WithoutLength, TheWholeClipIsTaken) {
  for (const bool at_end : {true, false}) {
    const std::string clip = make_mp4({.frames = 12, .moov_at_end = at_end});
    expect_whole(run_cut(clip, clip.size()), clip);
  }
}

TEST_P(WithoutLength, ItMustNotEndWithinABox) {
  const std::string clip = make_mp4({.frames = 12, .moov_at_end = true});
  for (const std::size_t size : {clip.size() - 1, clip.size() / 2, std::size_t{20}})
    expect_error(run_cut(clip, size), clip);
}

// Between two boxes, but without the index, or without the media.
TEST_P(WithoutLength, ItMustNotEndBeforeItsLastBox) {
  const std::string late_index = make_mp4({.frames = 12, .moov_at_end = true});
  expect_error(run_cut(late_index, box_position(late_index, "moov")), late_index);
  const std::string early_index = make_mp4({.frames = 12, .moov_at_end = false});
  expect_error(run_cut(early_index, box_position(early_index, "mdat")), early_index);
}

INSTANTIATE_TEST_SUITE_P(Each, WithoutLength, testing::Bool(), [](const auto& tested) {
  return std::string(tested.param ? "in_chunks" : "until_the_connection_ends");
});

}  // namespace
}  // namespace genpro::test
