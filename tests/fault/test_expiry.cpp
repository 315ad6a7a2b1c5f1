// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Addresses of clips that expire: the service is asked for a fresh one, and the download goes on.
#include "base/web/url.h"
#include "fault/delivery_fixture.h"

namespace genpro::test {
namespace {

using Kind = Trouble::Kind;

class Expiry : public Delivery {
 protected:
  // The address of a file named `name`.
  std::string address(const std::string& name) const {
    return service.cdn_url() + "/signed/" + name + ".mp4?signature=5ecret-" + name;
  }
  void serve(const std::string& name, Clip clip) {
    service.files().set_clip("/signed/" + name + ".mp4", std::move(clip));
  }
  // The service names these addresses, one a question; the last one stays.
  void name_addresses(const std::vector<std::string>& names) {
    for (const std::string& name : names)
      service.push_poll(json_answer(200, FakeService::completed_json(address(name))));
  }
  // From that request of the file on it is refused.
  void expire(const std::string& name, int status, int from_request = 1) {
    service.files().set_script([=, count = 0, path = "/signed/" + name + ".mp4"](
                                   const Seen& seen, int) mutable -> std::optional<Answer> {
      if (seen.path != path || ++count < from_request) return std::nullopt;
      return html_answer(status, "<h1>expired</h1>");
    });
  }
  std::size_t gets_of(const std::string& name) const {
    return service.count(
        [&](const Seen& seen) { return is_cdn(seen) && seen.path == "/signed/" + name + ".mp4"; });
  }
  std::size_t polls() const { return service.count(is_poll); }
};

class ExpiryStatus : public Expiry, public testing::WithParamInterface<int> {};

TEST_P(ExpiryStatus, BeforeTheFirstByte) {
  name_addresses({"a", "b"});
  serve("b", {.bytes = short_clip()});
  expire("a", GetParam());
  expect_whole(run_it(), short_clip());
  EXPECT_EQ(polls(), 2U);
}

TEST_P(ExpiryStatus, InTheMiddleOfTheDownload) {
  name_addresses({"a", "b"});
  serve("a", {.bytes = long_clip()});
  serve("b", {.bytes = long_clip()});
  expire("a", GetParam(), 2);
  service.files().add_trouble({.kind = Kind::cut, .at = late});
  expect_whole(run_it(), long_clip());
  EXPECT_EQ(polls(), 2U);
  const auto seen = service.requests(is_cdn);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[2].path, "/signed/b.mp4");
  EXPECT_EQ(range_begin(seen[2]), late - overlap) << "it begins again";
  EXPECT_EQ(seen[2].header("if-range"), "\"first\"");
}

INSTANTIATE_TEST_SUITE_P(Each, ExpiryStatus, testing::Values(400, 401, 403, 404, 410));

class ExpiryTag : public Expiry, public testing::WithParamInterface<const char*> {};

TEST_P(ExpiryTag, AnotherClipAtTheFreshAddressIsAnError) {
  name_addresses({"a", "b"});
  serve("a", {.bytes = long_clip()});
  serve("b", {.bytes = other_long_clip(), .etag = GetParam()});
  expire("a", 403, 2);
  service.files().add_trouble({.kind = Kind::cut, .at = late});
  expect_error(run_it(), long_clip(), {"changed"});
}

INSTANTIATE_TEST_SUITE_P(Each, ExpiryTag, testing::Values("\"first\"", "\"second\"", ""));

TEST_F(Expiry, TheSameAddressAgainIsAnError) {
  name_addresses({"a"});
  serve("a", {.bytes = long_clip()});
  expire("a", 403, 2);
  service.files().add_trouble({.kind = Kind::cut, .at = late});
  const Streamed streamed = run_it();
  expect_error(streamed, long_clip(), {"no other address", "HTTP 403"}, "403");
  EXPECT_EQ(polls(), 2U);
  EXPECT_EQ(gets(), 2U);
  EXPECT_EQ(streamed.outcome.everything.find("5ecret"), std::string::npos)
      << "a signature is on the bus";
}

TEST_F(Expiry, AFreshAddressThatIsRefusedTooIsAnError) {
  name_addresses({"a", "b", "c", "d"});
  service.files().set_script([](const Seen&, int) { return html_answer(410, "<h1>gone</h1>"); });
  expect_error(run_it(), short_clip(), {"fresh address", "HTTP 410"}, "410");
  EXPECT_EQ(polls(), 2U) << "an endless search for an address";
  EXPECT_EQ(gets(), 2U);
}

TEST_F(Expiry, AsOftenAsADownloadTakesLong) {
  const std::vector<std::string> names{"a", "b", "c", "d", "e"};
  name_addresses(names);
  for (const std::string& name : names) serve(name, {.bytes = long_clip()});
  // Each address serves one request.
  service.files().set_script(
      [last = std::string()](const Seen& seen, int) mutable -> std::optional<Answer> {
        if (std::exchange(last, seen.path) != seen.path) return std::nullopt;
        return html_answer(403, "<h1>expired</h1>");
      });
  for (const std::size_t at : {1'000'000U, 2'000'000U, 3'000'000U, 3'500'000U})
    service.files().add_trouble({.kind = Kind::cut, .at = at});
  expect_whole(run_it(), long_clip());
  EXPECT_EQ(polls(), 5U);
}

TEST_F(Expiry, TheServiceMayBeBusyWhenItIsAskedAgain) {
  name_addresses({"a"});
  service.push_poll(json_answer(503, R"({"error": "Busy"})"));
  service.push_poll(closing_answer());
  name_addresses({"b"});
  serve("b", {.bytes = short_clip()});
  expire("a", 403);
  expect_whole(run_it(), short_clip());
  EXPECT_EQ(polls(), 4U);
}

TEST_F(Expiry, AServiceThatIsAwayIsNamedInTheError) {
  name_addresses({"a"});
  service.push_poll(json_answer(503, R"({"error": "Busy"})"));
  expire("a", 404);
  expect_error(run_it({{"retries", "1"}}), short_clip(),
               {"HTTP 404", "fresh address", "the GEN API failed on generation 9040"}, "404");
  // A try and a retry, and the same once more, should nobody have waited just then.
  EXPECT_LE(polls(), 5U);
}

TEST_F(Expiry, AGenerationThatIsNotCompletedAnyMoreIsAnError) {
  for (const char* status : {"processing", "failed", "stopped"}) {
    FakeService each;
    each.push_poll(json_answer(200, FakeService::completed_json(each.cdn_url() + "/gone.mp4")));
    each.push_poll(json_answer(200, FakeService::status_json(status)));
    const Streamed streamed = stream(seed_src(each, {{"generation-id", "9040"}}));
    expect_one_error(
        streamed.outcome,
        {.mentions = {"HTTP 404", status}, .http_status = "404", .generation_id = "9040"});
  }
}

TEST_F(Expiry, AfterAPause) {
  name_addresses({"a", "b"});
  serve("a", {.bytes = long_clip()});
  serve("b", {.bytes = long_clip()});
  expire("a", 403, 2);
  auto gate = std::make_shared<Gate>();
  service.files().add_trouble({.kind = Kind::reset, .at = late, .gate = gate});
  Collector collector(src());
  ASSERT_TRUE(collector.preroll());
  gate->open();
  const Outcome outcome = collector.play_out();
  expect_whole(outcome, collector.bytes(), long_clip());
  EXPECT_EQ(gets_of("b"), 1U);
}

TEST_F(Expiry, BeforeASeek) {
  name_addresses({"a", "b"});
  serve("a", {.bytes = long_clip()});
  serve("b", {.bytes = long_clip()});
  expire("a", 403, 2);
  Collector collector(src());
  ASSERT_TRUE(collector.preroll());
  std::int64_t position = 0;
  for (int i = 1; i <= 20; ++i) {
    position = 100'000 * i;
    ASSERT_TRUE(collector.seek(position));
  }
  const Outcome outcome = collector.play_out();
  expect_whole(outcome, collector.bytes(), long_clip().substr(static_cast<std::size_t>(position)));
  EXPECT_LE(polls(), 3U) << "each seek asks for an address of its own";
}

// The clip's own address is asked each time; what it redirects to may expire just as well.
TEST_F(Expiry, OfWhereARedirectLeads) {
  name_addresses({"a", "b"});
  serve("real", {.bytes = short_clip()});
  const std::string real = address("real");
  service.files().set_script([real](const Seen& seen, int) -> std::optional<Answer> {
    if (seen.path == "/signed/a.mp4") return redirect_answer(302, "/signed/expired.mp4");
    if (seen.path == "/signed/b.mp4") return redirect_answer(302, real);
    if (seen.path == "/signed/expired.mp4") return html_answer(403, "<h1>expired</h1>");
    return std::nullopt;
  });
  expect_whole(run_it(), short_clip());
}

// With a POST of its own, a ledger, and no generation-id.
TEST_F(Expiry, CostsNothing) {
  name_addresses({"a", "b"});
  serve("b", {.bytes = short_clip()});
  expire("a", 403);
  TempDir folder;
  const Streamed streamed =
      stream(seed_src(service, {{"ledger", folder.file("ledger.db")}, {"retries", "2"}}));
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  EXPECT_EQ(sha256(streamed.bytes), sha256(short_clip()));
  EXPECT_EQ(service.count(is_generate), 1U);
  EXPECT_EQ(service.count(is_stop), 0U);
  expect_cdn_saw_no_key(service);
}

}  // namespace
}  // namespace genpro::test
