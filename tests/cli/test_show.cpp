// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/request.h"
#include "cli/cli_fixture.h"

namespace genpro::test {
namespace {

using Show = CliTest;

TEST_F(Show, TellsAllThatIsKnown) {
  const auto ledger = open();
  const std::int64_t id =
      add(*ledger, request(R"(A kettle,\n\tslowly \"turning\")"), Jobs{"7", "8"});
  const std::int64_t open_one = add(*ledger, request("other"), Jobs{"7", "8", "9040"});
  const std::string key = payment::attempt(row(*ledger, open_one).state)->key;
  put(*ledger, id, failed("9040", "the model gave up"),
      {.came = "it failed", .decided = "it is refunded", .cost = 3.5});
  must(ledger->note_bytes(id, 4711));
  sql("UPDATE generations SET created_at = 1777573801000, posted_at = 1777573802000, "
      "ended_at = 1777573803000 WHERE id = " +
      std::to_string(id));
  sql("UPDATE history SET at = 1777573801000 + number WHERE row = " + std::to_string(id));
  const ledger::Entry entry = row(*ledger, id);

  const std::string page = output({"show", std::to_string(id)});
  for (const std::string& text :
       {std::string("failed"), std::string("9040"), std::string("pika"), std::string("3.5"),
        std::string("4711"), std::string("the model gave up"), std::string("2026-05-01 00:00:01"),
        std::string("2026-05-01 00:00:02"), std::string("2026-05-01 00:00:03"),
        std::string("https://api.gen.pro/v1"), std::string("autocontentengine/101/cells/3300"),
        std::string("  42\n"), std::string("A kettle, slowly \"turning\""), entry.identity.request,
        entry.identity.fingerprint, std::string("refunds it"), std::string("it failed"),
        std::string("it is refunded")}) {
    EXPECT_NE(page.find(text), std::string::npos) << text << " in\n" << page;
  }

  const auto document = json({"show", std::to_string(id)});
  JsonObject* object = api::as_object(document.get());
  ASSERT_NE(object, nullptr);
  const std::vector<std::pair<const char*, std::string>> members = {
      {"id", std::to_string(id)},
      {"created_at", "\"2026-04-30T18:30:01.000Z\""},
      {"status", "\"failed\""},
      {"followed", "false"},
      {"stop_wanted", "false"},
      {"generation_id", "\"9040\""},
      {"model", "\"pika\""},
      {"cost", "3.5"},
      {"bytes_delivered", "4711"},
      {"delivered", "false"},
      {"agent_id", "\"42\""},
      {"cell_path", "\"autocontentengine/101/cells/3300\""},
      {"closed", "true"},
      {"reason", "\"the model gave up\""},
      {"posted_at", "\"2026-04-30T18:30:02.000Z\""},
      {"ended_at", "\"2026-04-30T18:30:03.000Z\""},
      {"delivered_at", "null"},
      {"base_url", "\"https://api.gen.pro/v1\""},
      {"prompt", R"("A kettle,\n\tslowly \"turning\"")"},
      {"request", entry.identity.request},
      {"fingerprint", "\"" + entry.identity.fingerprint + "\""},
      {"idempotency_key", "null"},
      {"jobs_before", "null"},
      {"charged", "\"no\""},
      {"estimate", "null"},
      {"refund_proven", "true"},
      {"in_doubt", "false"},
      {"evidence", "\"proven\""},
      {"history",
       R"([{"at":"2026-04-30T18:30:01.001Z","came":"asked for","decided":"asked for","status":"submitting"},)"
       R"({"at":"2026-04-30T18:30:01.002Z","came":"it failed","decided":"it is refunded","status":"failed"}])"},
  };
  for (const auto& [name, value] : members) EXPECT_EQ(member_text(object, name), value) << name;
  EXPECT_NE(member_text(object, "meaning").find("refunds it"), std::string::npos);
  EXPECT_EQ(names_of(object).size(), members.size() + 1);
  const auto other = json({"show", std::to_string(open_one)});
  JsonObject* doubt = api::as_object(other.get());
  EXPECT_EQ(member_text(doubt, "jobs_before"), R"(["7","8","9040"])");
  EXPECT_EQ(member_text(doubt, "closed"), "false");
  EXPECT_EQ(member_text(doubt, "idempotency_key"), "\"" + key + "\"");
  EXPECT_EQ(member_text(doubt, "in_doubt"), "true");
  EXPECT_EQ(member_text(doubt, "status"), "\"unknown\"");
  EXPECT_EQ(member_text(doubt, "charged"), "\"unknown\"");
  EXPECT_EQ(member_text(doubt, "evidence"), "null");
  const std::string doubt_page = output({"show", std::to_string(open_one)});
  EXPECT_NE(doubt_page.find("7, 8, 9040"), std::string::npos) << doubt_page;
  EXPECT_NE(doubt_page.find(key), std::string::npos) << doubt_page;
}

TEST_F(Show, SaysWhatTheStateMeansAndWhatHappensNext) {
  const auto ledger = open();
  const auto meaning = [&](std::int64_t id) { return output({"show", std::to_string(id)}); };
  const auto expect = [&](std::int64_t id, const std::vector<std::string>& texts) {
    const std::string page = meaning(id);
    for (const std::string& text : texts) {
      EXPECT_NE(page.find(text), std::string::npos) << text << " in\n" << page;
    }
  };
  auto begun = must(begin(*ledger, request("1"), Jobs{}));
  expect(begun.entry.id, {"submitting", "sending the request now"});
  begun.presence.release();
  expect(begun.entry.id,
         {"in doubt", "may have been charged", "looks at the cell's jobs first",
          "the process that sent it has ended", "keeps its idempotency key", "counts as asked for",
          "with the same key", "genpro ledger settle", "look at the jobs of cell 101/3300"});
  lose(*ledger, begun.entry.id, true);
  expect(begun.entry.id, {"in doubt, stop to be sent", "stops what it finds", "proven",
                          "the answer was lost", " seconds ago"});
  make_old(begun.entry.id, 30 * hour);
  expect(begun.entry.id, {"forgotten the key", "30 hours ago"});
  EXPECT_EQ(meaning(begun.entry.id).find("with the same key"), std::string::npos);
  {
    const auto held = must(ledger->take(begun.entry.id));
    expect(begun.entry.id, {"in doubt", "A process is finding out now"});
  }

  const std::int64_t running = add(*ledger, request("2"), processing("2"));
  expect(running, {"processing", "picks it up without a second charge"});
  want_stop(*ledger, running, true);
  expect(running, {"processing, stop to be sent", "still to be sent", "next run"});
  {
    const auto follower = must(ledger->attach("https://api.gen.pro/v1", "2"));
    expect(running, {"a process waits for the clip", "not sent while"});
  }
  const std::int64_t likely_one = add(*ledger, request("7"), likely(processing("7", true)));
  expect(likely_one, {"likely and not proven", "never stopped"});
  EXPECT_EQ(meaning(likely_one).find("stop to be sent"), std::string::npos);
  expect(add(*ledger, request("3"), completed("3")),
         {"has not been delivered whole", "without a second charge"});
  expect(add(*ledger, request("4"), completed("4"), true),
         {"was delivered whole", "pays again", "reuse is completed"});
  expect(add(*ledger, request("5"), stopped("5")), {"stopped", "refund is not proven"});
  const std::int64_t refused = add(*ledger, request("6"));
  refuse(*ledger, refused, "no credits");
  expect(refused, {"refused", "no credits", "nothing was charged"});
  const std::int64_t lost = add_costing(*ledger, request("8"), gone("8"), 3.5);
  expect(lost, {"gone", "It was paid (3.5)", "no such generation", "reuse=never",
                "genpro ledger prune " + std::to_string(lost)});
  expect(prepare(*ledger, request("9")),
         {"prepared", "has not left", "nothing is charged", "Charged          no"});
}

TEST_F(Show, TheHistoryIsToldFromTheBeginning) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request());
  put(*ledger, id, in_doubt(row(*ledger, id).state),
      {.came = "no answer came", .decided = "it is in doubt"});
  put(*ledger, id, pending("9040"), {.came = "201 names 9040", .decided = "it is followed"});
  sql("UPDATE history SET at = 1777573800000 + number * 1000");
  const auto lines = lines_of(output({"show", std::to_string(id)}));
  ASSERT_GE(lines.size(), 4U);
  const std::vector<std::string> history(lines.end() - 4, lines.end());
  EXPECT_EQ(history, (std::vector<std::string>{
                         "When                 What came       What was decided  Status",
                         "2026-05-01 00:00:01  asked for       asked for         submitting",
                         "2026-05-01 00:00:02  no answer came  it is in doubt    in doubt",
                         "2026-05-01 00:00:03  201 names 9040  it is followed    pending"}));
  const auto document = json({"show", std::to_string(id)});
  JsonArray* array = json_object_get_array_member(api::as_object(document.get()), "history");
  ASSERT_EQ(json_array_get_length(array), 3U);
  EXPECT_EQ(member_text(json_array_get_object_element(array, 1), "status"), "\"unknown\"");
  EXPECT_EQ(member_text(json_array_get_object_element(array, 2), "came"), "\"201 names 9040\"");
}

TEST_F(Show, FindsAGenerationByItsIdInAllRows) {
  const auto ledger = open();
  const std::int64_t first = add(*ledger, request("1"), completed("9040"));
  const std::int64_t second = add(*ledger, request("2"), failed("9040"));
  add(*ledger, request("3"), failed("gen_77"));
  const std::string pages = output({"show", "--generation", "9040"});
  EXPECT_NE(pages.find("completed"), std::string::npos);
  EXPECT_NE(pages.find("failed"), std::string::npos);
  EXPECT_EQ(pages.find("gen_77"), std::string::npos);
  const auto list = json({"show", "9040", "--generation"});
  ASSERT_EQ(number_of(list), 2U);
  EXPECT_EQ(member_text(object_at(list, 0), "id"), std::to_string(second));
  EXPECT_EQ(member_text(object_at(list, 1), "id"), std::to_string(first));
  EXPECT_EQ(number_of(json({"show", "--generation", "gen_77"})), 1U);
}

TEST_F(Show, AnUnknownIdIsAnError) {
  open();
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"show", "9040"}, {"show", "--generation", "gen_x", "--json"}}) {
    const Finished finished = ledger(arguments);
    EXPECT_EQ(finished.exit_code, 1);
    EXPECT_EQ(lines_of(finished.out).size(), 1U) << finished.out;
    EXPECT_NE(finished.out.find("genpro ledger list"), std::string::npos) << finished.out;
  }
  const Finished word = ledger({"show", "gen_x"});
  EXPECT_EQ(word.exit_code, 2);
  EXPECT_NE(word.out.find("--generation"), std::string::npos) << word.out;
}

TEST_F(Show, APromptThatWouldSteerATerminalIsShownWithoutItsCommands) {
  const auto ledger = open();
  const std::int64_t id = add(
      *ledger, request(R"(red \u001b[31m\u009b2J bell\u0007 turned \u202eback\u202c, été 日本)"));
  const std::string page = output({"show", std::to_string(id)});
  EXPECT_FALSE(has_control_characters(page)) << page;
  EXPECT_NE(page.find("red [31m 2J bell turned back, été 日本"), std::string::npos) << page;
  EXPECT_EQ(page.find("\u202e"), std::string::npos);
  const auto document = json({"show", std::to_string(id)});
  const auto prompt = api::as_string(api::member(api::as_object(document.get()), "prompt"));
  EXPECT_EQ(prompt, "red \033[31m\u009b2J bell\a turned \u202eback\u202c, été 日本");
}

TEST_F(Show, TheDialectOfActionsHasItsPromptInACard) {
  api::RequestSettings settings{.dialect = "actions",
                                .sheet_route = "vidsheet",
                                .sheet_id = "101",
                                .cell_id = "3300",
                                .agent_id = "42",
                                .asset_ids = "501"};
  settings.prompt = "A kettle";
  settings.model = "seedance-2.0-fast";
  const auto made = api::make_request(settings);
  ASSERT_TRUE(made) << made.error().message;
  ledger::Identity identity = request();
  identity.request = made->body;
  const std::int64_t id = add(*open(), identity);
  EXPECT_NE(output({"show", std::to_string(id)}).find("A kettle\n"), std::string::npos);
  EXPECT_NE(output({"list", "--columns", "prompt"}).find("A kettle\n"), std::string::npos);
}

TEST_F(Show, ARequestThatIsNoJsonIsShownAsItIs) {
  const std::int64_t id = add(*open(), request());
  sql("UPDATE generations SET request = '{broken'");
  EXPECT_NE(output({"show", std::to_string(id)}).find("{broken"), std::string::npos);
  const auto document = json({"show", std::to_string(id)});
  EXPECT_EQ(member_text(api::as_object(document.get()), "request"), "\"{broken\"");
  EXPECT_EQ(member_text(api::as_object(document.get()), "prompt"), "null");
}

}  // namespace
}  // namespace genpro::test
