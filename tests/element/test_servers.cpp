// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Servers that have the clip, and say so in their own way.
#include <gio/gio.h>

#include "element/element_fixture.h"

namespace genpro::test {
namespace {

// The whole of a file to whoever asks, at ::1.
class Ipv6Server {
 public:
  explicit Ipv6Server(const std::string& bytes) : bytes_(bytes) {
    const auto loopback =
        ObjectPtr<GInetAddress>::adopt(g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV6));
    const auto address =
        ObjectPtr<GSocketAddress>::adopt(g_inet_socket_address_new(loopback.get(), 0));
    GSocketAddress* bound = nullptr;
    if (!g_socket_listener_add_address(listener_.get(), address.get(), G_SOCKET_TYPE_STREAM,
                                       G_SOCKET_PROTOCOL_TCP, nullptr, &bound, nullptr)) {
      return;
    }
    port_ = g_inet_socket_address_get_port(
        G_INET_SOCKET_ADDRESS(ObjectPtr<GSocketAddress>::adopt(bound).get()));
    thread_ = std::thread([this] { serve(); });
  }
  ~Ipv6Server() {
    g_cancellable_cancel(cancellable_.get());
    if (thread_.joinable()) thread_.join();
  }
  Ipv6Server(const Ipv6Server&) = delete;
  Ipv6Server& operator=(const Ipv6Server&) = delete;

  // 0 on a machine without IPv6.
  int port() const { return port_; }
  std::string url() const { return "http://[::1]:" + std::to_string(port_) + "/clip.mp4"; }

 private:
  void serve() {
    while (const auto client = ObjectPtr<GSocketConnection>::adopt(
               g_socket_listener_accept(listener_.get(), nullptr, cancellable_.get(), nullptr))) {
      GIOStream* stream = G_IO_STREAM(client.get());
      std::string head;
      char letter = 0;
      while (!head.ends_with("\r\n\r\n") &&
             g_input_stream_read(g_io_stream_get_input_stream(stream), &letter, 1,
                                 cancellable_.get(), nullptr) == 1) {
        head += letter;
      }
      const std::string answer =
          head_text({.content_type = "video/mp4", .headers = {{"Connection", "close"}}},
                    bytes_.size()) +
          bytes_;
      g_output_stream_write_all(g_io_stream_get_output_stream(stream), answer.data(), answer.size(),
                                nullptr, cancellable_.get(), nullptr);
    }
  }

  const std::string bytes_;
  const ObjectPtr<GCancellable> cancellable_ = ObjectPtr<GCancellable>::adopt(g_cancellable_new());
  const ObjectPtr<GSocketListener> listener_ =
      ObjectPtr<GSocketListener>::adopt(g_socket_listener_new());
  int port_ = 0;
  std::thread thread_;
};

std::string compressed(const std::string& bytes, GZlibCompressorFormat format) {
  const auto compressor = ObjectPtr<GZlibCompressor>::adopt(g_zlib_compressor_new(format, 1));
  const auto memory = ObjectPtr<GOutputStream>::adopt(g_memory_output_stream_new_resizable());
  const auto stream = ObjectPtr<GOutputStream>::adopt(
      g_converter_output_stream_new(memory.get(), G_CONVERTER(compressor.get())));
  g_output_stream_write_all(stream.get(), bytes.data(), bytes.size(), nullptr, nullptr, nullptr);
  g_output_stream_close(stream.get(), nullptr, nullptr);
  auto* const written = G_MEMORY_OUTPUT_STREAM(memory.get());
  return {static_cast<const char*>(g_memory_output_stream_get_data(written)),
          g_memory_output_stream_get_data_size(written)};
}

class Servers : public testing::Test {
 protected:
  Servers() { service.set_clip({.bytes = clip}); }

  Streamed run_it() { return stream(seed_src(service, {{"retries", "3"}})); }
  void expect_whole(const Streamed& streamed) {
    EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
    EXPECT_TRUE(streamed.bytes == clip);
  }
  // Whatever came out before the error is the beginning of the clip.
  void expect_error_and_no_wrong_byte(const Streamed& streamed) {
    expect_one_error(streamed.outcome,
                     {.codes = {resource(GST_RESOURCE_ERROR_READ)}, .mentions = {"changed"}});
    EXPECT_TRUE(streamed.bytes == clip.substr(0, streamed.bytes.size()));
  }
  void refuse_ranges(int status, int from_request = 1) {
    service.files().set_script([=](const Seen& seen, int number) -> std::optional<Answer> {
      if (seen.header("range").empty() || number < from_request) return std::nullopt;
      return html_answer(status, "<h1>no</h1>");
    });
  }

  // Far more than is read ahead.
  static constexpr std::size_t size = 4'000'000;
  const std::string clip = large_clip(size);
  FakeService service;
};

TEST_F(Servers, ARangeThatIsRefusedIsAskedForWithoutOnce) {
  for (const int status : {400, 403, 405, 406, 416, 501}) {
    refuse_ranges(status);
    const std::size_t before = service.count(is_cdn);
    expect_whole(run_it());
    EXPECT_EQ(service.count(is_cdn) - before, 2U) << status;
  }
}

TEST_F(Servers, ARangeThatAServerFailsOverIsAskedForWithoutAtTheLastRetry) {
  refuse_ranges(503);
  expect_whole(run_it());
  EXPECT_EQ(service.count(is_cdn), 4U);
}

TEST_F(Servers, ARangeThatIsRefusedInTheMiddleIsReadFromTheBeginning) {
  for (const int status : {400, 406, 416, 501}) {
    refuse_ranges(status, 2);
    service.files().add_trouble({.kind = Trouble::Kind::cut, .at = 3'000'000});
    expect_whole(run_it());
    const auto gets = service.requests(is_cdn);
    EXPECT_EQ(gets.back().header("if-range"), "") << "it says what to do with a range";
  }
}

// From the first request on, and from the one after a break on.
TEST_F(Servers, ARangeThatIsAnsweredWronglyIsAskedForWithoutOnce) {
  const std::string content_ranges[] = {"", "bytes=0-3999999/4000000", "bytes 7-3999999/4000000",
                                        "bytes 0-3999999/3999999"};
  for (const std::string& content_range : content_ranges) {
    for (const int from_request : {1, 2}) {
      SCOPED_TRACE(content_range);
      service.files().set_script([&](const Seen& seen, int number) -> std::optional<Answer> {
        if (seen.header("range").empty() || number < from_request) return std::nullopt;
        Answer wrong{.status = 206, .body = clip, .content_type = "video/mp4"};
        if (!content_range.empty()) wrong.headers = {{"Content-Range", content_range}};
        return wrong;
      });
      if (from_request == 2) {
        service.files().add_trouble({.kind = Trouble::Kind::cut, .at = 3'000'000});
      }
      const std::size_t before = service.count(is_cdn);
      expect_whole(run_it());
      EXPECT_EQ(service.count(is_cdn) - before, from_request == 1 ? 2U : 3U);
    }
  }
}

// Though it was asked for as it is. A range is one of what is sent.
TEST_F(Servers, AClipThatComesCompressedIsUnpacked) {
  for (const std::string encoding : {"gzip", "x-gzip", "deflate"}) {
    for (const bool ranges : {true, false}) {
      SCOPED_TRACE(encoding);
      const std::string body =
          compressed(clip, encoding == "deflate" ? G_ZLIB_COMPRESSOR_FORMAT_ZLIB
                                                 : G_ZLIB_COMPRESSOR_FORMAT_GZIP);
      service.files().set_script([=](const Seen& seen, int) -> std::optional<Answer> {
        Answer answer{.status = 200, .body = body, .content_type = "video/mp4"};
        answer.headers = {{"Content-Encoding", encoding}};
        if (ranges && !seen.header("range").empty()) {
          const std::string size = std::to_string(body.size());
          answer.status = 206;
          answer.headers.emplace_back("Content-Range",
                                      "bytes 0-" + std::to_string(body.size() - 1) + "/" + size);
        }
        return answer;
      });
      const std::size_t before = service.count(is_cdn);
      expect_whole(run_it());
      EXPECT_EQ(service.count(is_cdn) - before, ranges ? 2U : 1U);
    }
  }
}

// As servers do whose configuration adds the header.
TEST_F(Servers, AClipThatIsNotInTheEncodingThatIsNamedIsFound) {
  for (const std::string encoding : {"gzip", "deflate"}) {
    for (const bool is_raw : {true, false}) {
      if (is_raw && encoding == "gzip") continue;
      SCOPED_TRACE(encoding);
      const std::string body = is_raw ? compressed(clip, G_ZLIB_COMPRESSOR_FORMAT_RAW) : clip;
      service.files().set_script([=](const Seen&, int) -> std::optional<Answer> {
        Answer answer{.status = 200, .body = body, .content_type = "video/mp4"};
        answer.headers = {{"Content-Encoding", encoding}};
        return answer;
      });
      expect_whole(run_it());
    }
  }
}

// Where nobody tells its length.
TEST_F(Servers, AClipWithRubbishBehindItIsWhole) {
  for (const std::string& tail : {std::string(3, '\0'), std::string("TAG of another format")}) {
    for (const bool ranges : {true, false}) {
      const std::string bytes = small_clip() + tail;
      service.set_clip({.bytes = bytes, .ranges = ranges, .says_length = false});
      const Streamed streamed = run_it();
      EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
      EXPECT_TRUE(streamed.bytes == bytes);
    }
  }
}

// What is damaged on its way, or ends early, is an error.
TEST_F(Servers, ACompressedClipThatIsNotWholeIsAnError) {
  std::string body = compressed(clip, G_ZLIB_COMPRESSOR_FORMAT_GZIP);
  body.resize(body.size() - 20);
  service.files().set_script([body](const Seen&, int) -> std::optional<Answer> {
    Answer answer{.status = 200, .body = body, .content_type = "video/mp4"};
    answer.headers = {{"Content-Encoding", "gzip"}};
    return answer;
  });
  const Streamed streamed = run_it();
  expect_one_error(streamed.outcome, {.codes = {resource(GST_RESOURCE_ERROR_READ)}});
  EXPECT_TRUE(streamed.bytes == clip.substr(0, streamed.bytes.size()));
}

// A body of gzip may have several members (RFC 1952, 2.2), each with a checksum of its own.
TEST_F(Servers, AClipInSeveralMembersOfGzipIsNotCut) {
  const std::size_t half = clip.size() / 2;
  const std::string body = compressed(clip.substr(0, half), G_ZLIB_COMPRESSOR_FORMAT_GZIP) +
                           compressed(clip.substr(half), G_ZLIB_COMPRESSOR_FORMAT_GZIP);
  service.files().set_script([body](const Seen&, int) -> std::optional<Answer> {
    Answer answer{.status = 200, .body = body, .content_type = "video/mp4"};
    answer.headers = {{"Content-Encoding", "gzip"}};
    return answer;
  });
  const Streamed streamed = run_it();
  expect_one_error(streamed.outcome, {.codes = {resource(GST_RESOURCE_ERROR_READ)}});
  EXPECT_TRUE(streamed.bytes == clip.substr(0, streamed.bytes.size()));
}

// As where a signature is in a cookie.
TEST_F(Servers, ACookieOfARedirectGoesToWhereItLeads) {
  const std::string address = service.clip_url();
  service.files().set_script([address](const Seen& seen, int number) -> std::optional<Answer> {
    if (seen.query.find("inner") == std::string::npos) {
      Answer answer = html_answer(302, "");
      answer.headers = {{"Location", address + "?inner"},
                        {"Set-Cookie", "pass=" + std::to_string(number) + "; Path=/; HttpOnly"},
                        {"Set-Cookie", "other=1; Path=/elsewhere"}};
      return answer;
    }
    if (seen.header("cookie") == "pass=" + std::to_string(number - 1)) return std::nullopt;
    return html_answer(403, "<h1>no</h1>");
  });
  service.files().add_trouble({.kind = Trouble::Kind::cut, .at = 3'000'000});
  expect_whole(run_it());
  EXPECT_EQ(service.count(is_cdn), 4U);
}

TEST_F(Servers, AreReadByIpv6) {
  const Ipv6Server server(clip);
  if (server.port() == 0) GTEST_SKIP() << "no IPv6 here";
  service.push_poll(json_answer(200, FakeService::completed_json(server.url())));
  expect_whole(run_it());
}

// Of the addresses of localhost, ::1 comes first.
TEST_F(Servers, WhoseFirstAddressIsDeadAreReadAtTheNext) {
  std::string url = service.clip_url();
  url.replace(url.find("127.0.0.1"), 9, "localhost");
  service.push_poll(json_answer(200, FakeService::completed_json(url)));
  expect_whole(run_it());
}

// Each request reaches the next server.
class ServersThatDisagree : public Servers {
 protected:
  void serve(std::vector<Clip> clips) {
    const auto each = std::make_shared<std::vector<FakeCdn>>(clips.size());
    for (std::size_t i = 0; i < clips.size(); ++i) {
      (*each)[i].set_clip("/outputs/clip.mp4", std::move(clips[i]));
    }
    service.files().set_script([each](const Seen& seen, int number) -> std::optional<Answer> {
      return (*each)[(static_cast<std::size_t>(number) - 1) % each->size()].answer(seen);
    });
    cdns = each;
  }
  // Of the first server, so that the second one goes on.
  void break_off() { cdns->front().add_trouble({.kind = Trouble::Kind::cut, .at = 3'000'000}); }

  std::shared_ptr<std::vector<FakeCdn>> cdns;
};

const char* monday = "Mon, 02 Nov 2026 00:00:00 GMT";
const char* tuesday = "Tue, 03 Nov 2026 00:00:00 GMT";

TEST_F(ServersThatDisagree, HaveOneClipIfItsBytesAreTheSame) {
  for (const bool ranges : {true, false}) {
    for (const bool honours : {true, false}) {
      for (const std::vector<Clip>& clips :
           {std::vector{Clip{.bytes = clip, .etag = "\"a\""}, Clip{.bytes = clip, .etag = "\"b\""}},
            std::vector{Clip{.bytes = clip, .etag = "", .last_modified = monday},
                        Clip{.bytes = clip, .etag = "", .last_modified = tuesday}}}) {
        std::vector<Clip> served = clips;
        for (Clip& each : served) {
          each.ranges = ranges;
          each.honours_if_range = honours;
        }
        serve(served);
        for (int i = 0; i < 3; ++i) break_off();
        const Streamed streamed = run_it();
        expect_whole(streamed);
        ASSERT_EQ(streamed.outcome.warnings.size(), 1U) << streamed.outcome.summary();
        EXPECT_NE(streamed.outcome.warnings[0].text.find("entity tags"), std::string::npos);
      }
    }
  }
}

// The index at the end is the other server's.
TEST_F(ServersThatDisagree, HaveOneClipForADemuxer) {
  const std::string film = make_mp4({.frames = 480, .width = 320, .height = 240, .pattern = 1});
  serve({{.bytes = film, .etag = "\"a\""}, {.bytes = film, .etag = "\"b\""}});
  const ElementPtr src = seed_src(service);
  const Running pipeline(sink_ref(gst_pipeline_new(nullptr)));
  GstElement* demuxer =
      gst_parse_bin_from_description("identity ! qtdemux ! fakesink sync=false", TRUE, nullptr);
  gst_bin_add_many(GST_BIN(pipeline.get()), src.get(), demuxer, nullptr);
  ASSERT_TRUE(gst_element_link(src.get(), demuxer));
  const Outcome outcome = run(pipeline.get());
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_LE(outcome.warnings.size(), 1U) << "none, where all was had from the first server";
}

TEST_F(ServersThatDisagree, HaveTwoClipsIfTheBytesBeforeTheBreakDiffer) {
  serve({{.bytes = clip, .etag = "\"a\""}, {.bytes = large_clip(size, 99), .etag = "\"b\""}});
  break_off();
  expect_error_and_no_wrong_byte(run_it());
}

// What was read long before the break counts as well.
TEST_F(ServersThatDisagree, HaveTwoClipsIfEarlierBytesDiffer) {
  std::string other = clip;
  for (std::size_t at = 0; at < 2'000'000; ++at) other[at] ^= 1;
  serve({{.bytes = clip, .etag = "\"a\""}, {.bytes = other, .etag = "\"b\""}});
  break_off();
  expect_error_and_no_wrong_byte(run_it());
}

TEST_F(ServersThatDisagree, HaveTwoClipsIfTheirLengthsDiffer) {
  serve({{.bytes = clip, .etag = "\"a\""}, {.bytes = clip + "x", .etag = "\"b\""}});
  break_off();
  expect_error_and_no_wrong_byte(run_it());
}

// As many as there are names: no end of requests, and no wrong byte.
TEST_F(ServersThatDisagree, WhoNamesItAnewEachTimeIsNotAskedForEver) {
  service.files().set_script([this](const Seen& seen, int number) -> std::optional<Answer> {
    FakeCdn each;
    each.set_clip(seen.path, {.bytes = clip, .etag = "\"" + std::to_string(number) + "\""});
    if (number == 1) each.add_trouble({.kind = Trouble::Kind::cut, .at = 3'000'000});
    return each.answer(seen);
  });
  expect_error_and_no_wrong_byte(run_it());
  EXPECT_LE(service.count(is_cdn), 20U);
}

TEST_F(Servers, WhoRefusesEachRequestIsAskedTwice) {
  for (const int status : {406, 416}) {
    service.files().set_script([status](const Seen&, int) -> std::optional<Answer> {
      return html_answer(status, "<h1>no</h1>");
    });
    const std::size_t before = service.count(is_cdn);
    expect_one_error(run_it().outcome, {.http_status = std::to_string(status)});
    EXPECT_EQ(service.count(is_cdn) - before, 2U);
  }
}

}  // namespace
}  // namespace genpro::test
