// SPDX-License-Identifier: LGPL-2.1-or-later
//
// genpro URIs: what they set, what they refuse, and the stream's id.
#include <algorithm>

#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

struct UriResult {
  bool is_set = false;
  int code = -1;
  std::string message;
};

UriResult set_uri(const ElementPtr& src, const std::string& uri) {
  ErrorPtr error;
  UriResult result;
  result.is_set = gst_uri_handler_set_uri(GST_URI_HANDLER(src.get()), uri.c_str(), error.out());
  if (error) {
    EXPECT_EQ(error->domain, gst_uri_error_quark());
    result.code = error->code;
    result.message = error->message;
  }
  EXPECT_EQ(result.is_set, !error);
  return result;
}

std::string get_uri(const ElementPtr& src) {
  return take_string(gst_uri_handler_get_uri(GST_URI_HANDLER(src.get())));
}

std::string percent_encoded(const std::string& text) {
  return take_string(g_uri_escape_string(text.c_str(), nullptr, FALSE));
}

// As programs do that know nothing of genpro.
ElementPtr src_of(const std::string& uri) {
  ErrorPtr error;
  auto src = sink_ref(gst_element_make_from_uri(GST_URI_SRC, uri.c_str(), nullptr, error.out()));
  if (!src) throw std::runtime_error(error.message());
  return src;
}

// The settings of the test's service; the key comes from the environment.
std::string seed_uri(const FakeService& service, const std::string& more = {}) {
  return "genpro://101/3300?agent-id=42&prompt=" + percent_encoded(seed_prompt) +
         "&asset-ids=501,502&poll-interval=20&retries=1&api-base-url=" +
         percent_encoded(service.api_base()) + more;
}

// What the user of a machine says, and no URI that may come from anywhere.
const std::vector<std::string> refused = {
    "api-key-file",           "archive", "ca-file", "daily-cost-limit",
    "daily-generation-limit", "ledger",  "proxy"};

// A value of each setting that is not its default, and that a URI may say.
Settings all_settings() {
  Settings settings;
  guint number = 0;
  const ElementPtr src = bare_src();
  const Owned<GParamSpec*, g_free> specs(
      g_object_class_list_properties(G_OBJECT_GET_CLASS(src.get()), &number));
  for (guint i = 0; i < number; ++i) {
    GParamSpec* spec = specs.get()[i];
    if (spec->owner_type != G_OBJECT_TYPE(src.get())) continue;
    if ((spec->flags & G_PARAM_READWRITE) != G_PARAM_READWRITE) continue;
    const std::string name = spec->name;
    if (name == "generation-id") continue;  // stands for what the others ask for
    if (name == "profile") continue;        // has to be there
    if (std::ranges::find(refused, name) != refused.end()) continue;
    std::string value = "7";
    if (G_IS_PARAM_SPEC_ENUM(spec)) {
      const GEnumClass* choices = G_PARAM_SPEC_ENUM(spec)->enum_class;
      value = choices->values[choices->n_values - 1].value_nick;
      if (name == "reuse") value = "never";
      if (name == "on-shutdown") value = "stop";
    } else if (G_IS_PARAM_SPEC_BOOLEAN(spec)) {
      value = "true";
    } else if (name == "api-base-url") {
      value = "http://127.0.0.1:9/v1";
    } else if (G_IS_PARAM_SPEC_STRING(spec) && !name.ends_with("-id")) {
      value = "a, \"b\" & c=d?/ü %41+#\n" + name;
    }
    settings.emplace_back(name, value);
  }
  return settings;
}

TEST(Uri, HasEachSettingThatItMaySay) {
  const ScopedEnv base("GEN_API_BASE_URL", "http://127.0.0.1:9");
  const Settings settings = all_settings();
  ASSERT_GE(settings.size(), 23U);
  const ElementPtr by_property = src_with(settings);
  set_property(by_property.get(), "api-key", test_key);
  set_property(by_property.get(), "proxy", "http://me:passw0rd@proxy.example:3128");
  set_property(by_property.get(), "ledger", "/ledger.db");
  const std::string uri = get_uri(by_property);
  EXPECT_TRUE(uri.starts_with("genpro://7/7?")) << uri;
  EXPECT_EQ(uri.find(test_key), std::string::npos);
  EXPECT_EQ(uri.find("sheet-id"), std::string::npos) << uri;
  for (const std::string& name : refused) EXPECT_EQ(uri.find(name + "="), uri.npos) << uri;

  const ElementPtr by_uri = bare_src();
  ASSERT_TRUE(set_uri(by_uri, uri).is_set);
  for (const auto& [name, value] : settings) {
    EXPECT_EQ(get_property(by_uri.get(), name), value) << name << " of " << uri;
  }
  EXPECT_EQ(get_uri(by_uri), uri);
}

TEST(Uri, IsMadeOfWhatIsNotTheDefault) {
  const ElementPtr src = bare_src();
  EXPECT_EQ(get_uri(src), "") << "it asks for nothing";
  for (const auto& [name, value] : Settings{
           {"sheet-id", "101"}, {"cell-id", "3300"}, {"agent-id", "42"}, {"prompt", "A boat"}}) {
    set_property(src.get(), name, value);
  }
  EXPECT_EQ(get_uri(src),
            "genpro://101/3300?prompt=A%20boat&agent-id=42&reuse=in-flight&on-shutdown=stop");
  set_property(src.get(), "generation-id", "9040");
  EXPECT_TRUE(get_uri(src).starts_with("genpro://generation/9040?")) << get_uri(src);
}

// Where the sheet and the cell are those of the environment.
TEST(Uri, NeedsNoCell) {
  for (const char* uri : {"genpro:///?agent-id=42&prompt=A%20boat", "genpro:?prompt=A%20boat"}) {
    const ElementPtr src = src_of(uri);
    EXPECT_EQ(get_property(src.get(), "prompt"), "A boat");
    EXPECT_EQ(get_property(src.get(), "cell-id"), "");
    EXPECT_EQ(get_uri(src), uri);
  }
  const ElementPtr src = bare_src();
  set_property(src.get(), "prompt", "A boat");
  set_property(src.get(), "sheet-id", "generation");
  set_property(src.get(), "cell-id", "3300");
  const std::string uri = get_uri(src);
  EXPECT_TRUE(uri.starts_with("genpro:///?") &&
              uri.find("&sheet-id=generation&cell-id=3300&") != uri.npos)
      << uri;
  EXPECT_EQ(get_property(src_of(uri).get(), "sheet-id"), "generation");
}

TEST(Uri, StandsForOneClip) {
  const ElementPtr src = src_of("genpro://101/3300?agent-id=42&prompt=A%20boat");
  EXPECT_EQ(get_property(src.get(), "reuse"), "completed");
  EXPECT_EQ(get_property(src.get(), "on-shutdown"), "detach");
  EXPECT_EQ(get_uri(src), "genpro://101/3300?agent-id=42&prompt=A%20boat");
  const ElementPtr other = src_of("genpro://101/3300?prompt=A&reuse=never&on-shutdown=stop");
  EXPECT_EQ(get_property(other.get(), "reuse"), "never");
  EXPECT_EQ(get_property(other.get(), "on-shutdown"), "stop");
}

TEST(Uri, TakesThePlaceOfTheOneBefore) {
  const ElementPtr src = bare_src();
  set_property(src.get(), "agent-id", "42");
  set_property(src.get(), "duration", "5");
  ASSERT_TRUE(set_uri(src, "genpro://generation/9040?duration=8").is_set);
  EXPECT_EQ(get_property(src.get(), "generation-id"), "9040");
  ASSERT_TRUE(set_uri(src, "genpro://101/3300?prompt=A%20boat").is_set);
  EXPECT_EQ(get_property(src.get(), "generation-id"), "");
  EXPECT_EQ(get_property(src.get(), "duration"), "5") << "what is set by a property stays";
  EXPECT_EQ(get_property(src.get(), "agent-id"), "42");

  set_property(src.get(), "prompt", "A lake");
  EXPECT_EQ(get_uri(src), "genpro://101/3300?prompt=A%20lake&duration=5&agent-id=42")
      << "what is set after it wins";
}

struct Wrong {
  const char* uri;
  std::vector<std::string> mentions;
};

TEST(Uri, IsRefusedByName) {
  const std::string good = "genpro://101/3300?prompt=A%20boat";
  for (const auto& [uri, mentions] : std::vector<Wrong>{
           {"genpro://101/3300?promt=A", {"\"promt\"", "unknown"}},
           {"genpro://101/3300?blocksize=1", {"\"blocksize\"", "unknown"}},
           {"genpro://101/3300?status=idle", {"\"status\"", "unknown"}},
           {"genpro://101/3300?api-key-command=true", {"\"api-key-command\""}},
           {"genpro://101/3300?=A", {"\"\"", "unknown"}},
           {"genpro://101/3300?prompt", {"\"prompt\"", "malformed"}},
           {"genpro://101/3300?prompt=A&&model=pika", {"malformed"}},
           {"genpro://101/3300?prompt=100%", {"\"prompt\"", "%25"}},
           {"genpro://101/3300?prompt=%ff", {"\"prompt\"", "UTF-8"}},
           {"genpro://101/3300?prompt=A%00B", {"\"prompt\""}},
           {"genpro://101/3300?prompt=A&prompt=B", {"\"prompt\"", "twice"}},
           {"genpro://101/3300?sheet-id=102", {"\"sheet-id\"", "path"}},
           {"genpro://101/3300?prompt=No#1", {"%23"}},
           {"genpro://101/3300?dialect=today", {"dialect is \"today\"", "vidsheet"}},
           {"genpro://101/3300?duration=five", {"duration is \"five\"", "whole number"}},
           {"genpro://101/3300?duration=-1", {"duration is \"-1\""}},
           {"genpro://101/3300?retries=99999999999", {"retries is "}},
           {"genpro://101/3300?stall-timeout=0", {"stall-timeout is \"0\"", "from 1 "}},
           {"genpro://101/3300?faststart=maybe", {"faststart is \"maybe\"", "true or false"}},
           {"genpro://101/3300?api-base-url=https://elsewhere.example/v1",
            {"api-base-url", "https://elsewhere.example:443"}},
           {"genpro://101/3300?api-base-url=elsewhere", {"api-base-url"}},
           {"genpro://101", {"genpro://SHEET/CELL"}},
           {"genpro://101/", {"genpro://SHEET/CELL"}},
           {"genpro://101/3300/1?prompt=A", {"genpro://SHEET/CELL"}},
           {"genpro://101/33%2F00", {"genpro://SHEET/CELL"}},
           {"genpro://generation", {"genpro://generation/ID"}},
           {"genpro://me@101/3300", {"user"}},
           {"genpro://101:1/3300", {"port"}},
           {"genpro:101/3300", {".genpro"}},
       }) {
    SCOPED_TRACE(uri);
    const ElementPtr src = src_of(good);
    const UriResult result = set_uri(src, uri);
    EXPECT_FALSE(result.is_set);
    EXPECT_EQ(result.code, GST_URI_ERROR_BAD_URI);
    for (const std::string& word : mentions) {
      EXPECT_NE(result.message.find(word), std::string::npos)
          << "does not mention " << word << ": " << result.message;
    }
    EXPECT_EQ(get_uri(src), good) << "what was set before stays";
    EXPECT_EQ(get_property(src.get(), "prompt"), "A boat");
  }
}

TEST(Uri, HoldsNoSecrets) {
  const std::string secret = "s3cret";
  for (const std::string& uri :
       {"genpro://101/3300?api-key=" + secret, "genpro://" + secret + ":@101/3300",
        "genpro://101/3300?proxy=http://me:" + secret + "@proxy.example:3128"}) {
    SCOPED_TRACE(uri);
    const ElementPtr src = bare_src();
    const UriResult result = set_uri(src, uri);
    EXPECT_FALSE(result.is_set);
    EXPECT_EQ(result.message.find(secret), std::string::npos) << result.message;
    EXPECT_EQ(get_uri(src), "");
  }
}

// It would decide where the key is, who can read it, what is written where, or what is spent.
TEST(Uri, DoesNotSayWhatIsTheUsersToSay) {
  for (const std::string& name : refused) {
    SCOPED_TRACE(name);
    const ElementPtr src = bare_src();
    const std::string usual = get_property(src.get(), name);
    for (const char* value : {"", "7", "/file", "http://proxy.example:3128"}) {
      const UriResult result = set_uri(src, "genpro://101/3300?prompt=A&" + name + "=" + value);
      EXPECT_EQ(result.code, GST_URI_ERROR_BAD_URI);
      EXPECT_NE(result.message.find("\"" + name + "\" is not for a URI"), std::string::npos)
          << result.message;
      EXPECT_EQ(get_property(src.get(), name), usual);
    }
  }
}

TEST(Uri, OnlyLowersWhatAGenerationMayCost) {
  const auto cost = [](const std::string& set, const std::string& said) {
    const ElementPtr src = bare_src();
    set_property(src.get(), "max-cost", set);
    EXPECT_TRUE(set_uri(src, "genpro://101/3300?prompt=A&max-cost=" + said).is_set);
    return get_property(src.get(), "max-cost");
  };
  EXPECT_EQ(cost("5", "3.5"), "3.5");
  EXPECT_EQ(cost("5", "50"), "5");
  EXPECT_EQ(cost("5", "0"), "5");
  EXPECT_EQ(cost("0", "50"), "50");
  for (const char* bad : {"", "-1", "nan", "inf", "1,5", "0x10", "5 credits", "1e99"}) {
    EXPECT_FALSE(set_uri(bare_src(), std::string("genpro:///?prompt=A&max-cost=") + bad).is_set)
        << bad;
  }
}

// The key goes where a property, the environment or a profile says, or to the service itself.
TEST(Uri, MayNameTheApiThatIsSet) {
  const auto uri = [](const std::string& base) {
    return "genpro://101/3300?prompt=A&api-base-url=" + base;
  };
  const ElementPtr src = bare_src();
  EXPECT_TRUE(set_uri(src, uri("https://api.gen.pro/v2")).is_set);
  for (const char* other : {"https://api.gen.pro:444/v1", "https://staging.example/v1",
                            "http://127.0.0.1:8080/v1", "http://[::1]/v1"}) {
    const UriResult result = set_uri(src, uri(other));
    EXPECT_FALSE(result.is_set) << other;
    EXPECT_NE(result.message.find("the key would be sent there"), std::string::npos)
        << result.message;
  }

  const ScopedEnv base("GEN_API_BASE_URL", "https://staging.example/v1");
  EXPECT_TRUE(set_uri(src, uri("https://staging.example/v2")).is_set);
  EXPECT_FALSE(set_uri(src, uri("https://other.example/v1")).is_set);
  set_property(src.get(), "api-base-url", "https://other.example/v1");
  EXPECT_TRUE(set_uri(src, uri("https://other.example/v1")).is_set);
}

TEST(Uri, CannotBeChangedWhileItRuns) {
  FakeService service;
  service.push_status("processing");
  Collector collector(seed_src(service));
  const ElementPtr src = ElementPtr::ref(collector.src());
  ASSERT_EQ(gst_element_set_state(collector.pipeline(), GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  EXPECT_TRUE(set_uri(src, seed_uri(service)).is_set) << "it names the API that is set";
  gst_element_set_state(collector.pipeline(), GST_STATE_PAUSED);
  const UriResult result = set_uri(src, "genpro://generation/1");
  EXPECT_FALSE(result.is_set);
  EXPECT_EQ(result.code, GST_URI_ERROR_BAD_STATE);
  EXPECT_EQ(get_uri(src), seed_uri(service));
}

class Recipe : public testing::Test {
 protected:
  std::string uri(const std::string& query = {}) const {
    return "genpro://" + take_string(g_uri_escape_string(path().c_str(), "/", FALSE)) + query;
  }
  std::string path() const { return folder_.file("a shot.genpro"); }
  void write(const std::string& lines) { write_file(path(), lines); }

  const TempDir folder_;
};

TEST_F(Recipe, HasTheSameSettings) {
  write(
      "# A product\n[genpro]\nsheet-id=101\ncell-id=3300\nagent-id=42\nmodel=pika\n"
      "prompt=A boat, 100% blue & calm\\nat noon\n"
      "ingredients=a\\, b.jpg, 502, /there/logo.png, ../clip.mp4\n");
  const ElementPtr src = src_of(uri());
  for (const auto& [name, value] :
       Settings{{"sheet-id", "101"},
                {"cell-id", "3300"},
                {"agent-id", "42"},
                {"model", "pika"},
                {"prompt", "A boat, 100% blue & calm\nat noon"},
                {"ingredients", folder_.file("a\\, b.jpg") + ",502,/there/logo.png," +
                                    take_string(g_path_get_dirname(folder_.path().c_str())) +
                                    "/clip.mp4"},
                {"reuse", "completed"},
                {"on-shutdown", "detach"}}) {
    EXPECT_EQ(get_property(src.get(), name), value) << name;
  }
  EXPECT_EQ(get_uri(src), uri());

  const ElementPtr other = src_of(uri("?prompt=A%20lake&duration=5"));
  EXPECT_EQ(get_property(other.get(), "prompt"), "A lake");
  EXPECT_EQ(get_property(other.get(), "duration"), "5");
  EXPECT_EQ(get_property(other.get(), "model"), "pika");
}

TEST_F(Recipe, IsRefusedByName) {
  const ElementPtr src = bare_src();
  const UriResult missing = set_uri(src, uri());
  EXPECT_EQ(missing.code, GST_URI_ERROR_BAD_REFERENCE);
  EXPECT_NE(missing.message.find(path()), std::string::npos) << missing.message;
  const UriResult folder = set_uri(src, "genpro:///dev/null.genpro");
  EXPECT_EQ(folder.code, GST_URI_ERROR_BAD_REFERENCE);

  for (const auto& [lines, mentions] : std::vector<Wrong>{
           {"", {"a shot.genpro", "[genpro]"}},
           {"prompt=A boat\n", {"a shot.genpro", "[genpro]"}},
           {"[genpro]\nprompt=A boat\n[other]\n", {"a shot.genpro", "\"other\""}},
           {"[genpro]\npromt=A boat\n",
            {"The setting \"promt\" of the recipe", "a shot.genpro", "unknown"}},
           {"[genpro]\nduration=-1\n",
            {"In the recipe", "a shot.genpro", "duration is \"-1\"", "0 to 3600"}},
           {"[genpro]\nprompt=A \\q\n", {"prompt", "malformed"}},
           {"[genpro]\ningredients=a.jpg,,b.jpg\n", {"a shot.genpro", "ingredients"}},
           {"[genpro]\nduration=five\n", {"duration is \"five\""}},
           {"[genpro]\napi-key=s3cret\n", {"\"api-key\"", "secret"}},
           {"[genpro]\napi-key-file=/etc/hostname\n", {"\"api-key-file\""}},
           {"[genpro]\nledger=\n", {"\"ledger\""}},
           {"[genpro]\napi-base-url=https://elsewhere.example/v1\n", {"api-base-url"}},
       }) {
    SCOPED_TRACE(lines);
    write(lines);
    const UriResult result = set_uri(src, uri());
    EXPECT_FALSE(result.is_set);
    EXPECT_EQ(result.code, GST_URI_ERROR_BAD_URI);
    for (const std::string& word : mentions) {
      EXPECT_NE(result.message.find(word), std::string::npos) << result.message;
    }
    EXPECT_EQ(result.message.find("s3cret"), std::string::npos);
  }
}

class UriRun : public testing::Test {
 protected:
  UriRun() { service.set_clip({.bytes = small_clip()}); }
  FakeService service;
  const ScopedEnv base{"GEN_API_BASE_URL", service.api_base()};
  const ScopedEnv key{"GEN_API_KEY", test_key};
};

TEST_F(UriRun, AsksForTheVideo) {
  const Streamed streamed = stream(src_of(seed_uri(service, "&model=pika")));
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  EXPECT_EQ(sha256(streamed.bytes), sha256(small_clip()));
  const auto posts = service.requests(is_generate);
  ASSERT_EQ(posts.size(), 1U);
  EXPECT_NE(posts[0].body.find(seed_prompt), std::string::npos) << posts[0].body;
  EXPECT_NE(posts[0].body.find("pika"), std::string::npos) << posts[0].body;
}

TEST_F(UriRun, IsPaidForOnce) {
  for (int run = 0; run < 3; ++run) {
    const Streamed streamed = stream(src_of(seed_uri(service)));
    EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  }
  EXPECT_EQ(service.count(is_generate), 1U);
}

TEST_F(UriRun, AttachesToAGeneration) {
  const Streamed streamed = stream(
      src_of("genpro://generation/9040?api-base-url=" + percent_encoded(service.api_base())));
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  EXPECT_EQ(sha256(streamed.bytes), sha256(small_clip()));
  expect_nothing_posted(service);
}

// Played to its end by `rest`, whose sink is named "sink": the id of the stream that comes there.
std::string stream_id(const std::vector<ElementPtr>& sources, const std::string& rest) {
  const Running pipeline(launch(rest));
  const ElementPtr entry = child(pipeline.get(), "entry");
  for (const ElementPtr& src : sources) {
    gst_bin_add(GST_BIN(pipeline.get()), src.get());
    EXPECT_TRUE(gst_element_link(src.get(), entry.get()));
  }
  std::string id;
  const ElementPtr sink = child(pipeline.get(), "sink");
  const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(sink.get(), "sink"));
  const auto on_event = +[](GstPad*, GstPadProbeInfo* info, gpointer found) {
    GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) == GST_EVENT_STREAM_START) {
      const char* text = nullptr;
      gst_event_parse_stream_start(event, &text);
      *static_cast<std::string*>(found) = text;
    }
    return GST_PAD_PROBE_OK;
  };
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_event, &id, nullptr);
  const Outcome outcome = run(pipeline.get());
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  return id;
}

constexpr const char* pushed = "queue name=entry ! fakesink name=sink sync=false";
constexpr const char* pulled = "decodebin name=entry ! fakesink name=sink sync=false";

TEST_F(UriRun, HasAStreamIdOfItsOwnThatStays) {
  const std::string uri = seed_uri(service);
  const std::string other = seed_uri(service, "&duration=8");
  for (const char* rest : {pushed, pulled}) {
    SCOPED_TRACE(rest);
    const std::string id = stream_id({src_of(uri)}, rest);
    EXPECT_EQ(stream_id({src_of(uri)}, rest), id);
    EXPECT_EQ(stream_id({seed_src(service)}, rest), stream_id({seed_src(service)}, rest))
        << "set by properties";
    EXPECT_NE(stream_id({src_of(other)}, rest), id);
  }
}

// As two of one file are.
TEST_F(UriRun, TwoOfOneUriPlayInOnePipeline) {
  const std::string uri = seed_uri(service);
  EXPECT_NE(
      stream_id({src_of(uri), src_of(uri)}, "concat name=entry ! fakesink name=sink sync=false"),
      "");
  EXPECT_EQ(service.count(is_generate), 1U);
}

TEST_F(UriRun, IsToldWhileTheClipIsWaitedFor) {
  service.push_status("processing");
  Collector collector(src_of(seed_uri(service)));
  gst_element_set_state(collector.pipeline(), GST_STATE_PAUSED);
  ASSERT_TRUE(service.wait_for(is_poll));
  const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(collector.src(), "src"));
  QueryPtr uri(gst_query_new_uri());
  ASSERT_TRUE(gst_pad_query(pad.get(), uri.get()));
  char* text = nullptr;
  gst_query_parse_uri(uri.get(), &text);
  EXPECT_EQ(take_string(text), seed_uri(service));
}

}  // namespace
}  // namespace genpro::test
