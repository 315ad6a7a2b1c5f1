// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/cli_fixture.h"

namespace genpro::test {
namespace {

using api::Phase;
using Show = CliTest;

TEST_F(Show, TellsAllThatIsKnown) {
  const auto ledger = open();
  const std::int64_t id =
      add(*ledger, request("A kettle,\n\tslowly \"turning\""), std::vector<std::string>{"7", "8"});
  const std::int64_t open_one = add(*ledger, request("other"));
  api::Generation failed = generation("9040", Phase::failed, 3.5);
  failed.failed_reason = "the model gave up";
  must(ledger->note_generation(id, failed));
  must(ledger->note_delivery(id, 4711, false));
  sql("UPDATE generations SET created_at = 1777573801000, posted_at = 1777573802000, "
      "ended_at = 1777573803000 WHERE id = " +
      std::to_string(id));
  const job::Entry entry = row(*ledger, id);

  const std::string page = output({"show", std::to_string(id)});
  for (const std::string& text :
       {std::string("failed"), std::string("9040"), std::string("pika"), std::string("3.5"),
        std::string("4711"), std::string("the model gave up"), std::string("2026-05-01 00:00:01"),
        std::string("2026-05-01 00:00:02"), std::string("2026-05-01 00:00:03"),
        std::string("https://api.gen.pro/v1"), std::string("autocontentengine/101/cells/3300"),
        std::string("  42\n"), std::string("A kettle, slowly \"turning\""), entry.request,
        entry.fingerprint, entry.idempotency_key, std::string("7, 8"), std::string("refunds it")}) {
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
      {"request", entry.request},
      {"fingerprint", "\"" + entry.fingerprint + "\""},
      {"idempotency_key", "\"" + entry.idempotency_key + "\""},
      {"jobs_before", R"(["7","8"])"},
  };
  for (const auto& [name, value] : members) EXPECT_EQ(member_text(object, name), value) << name;
  EXPECT_NE(member_text(object, "meaning").find("refunds it"), std::string::npos);
  EXPECT_EQ(names_of(object).size(), members.size() + 1);
  const auto other = json({"show", std::to_string(open_one)});
  EXPECT_EQ(member_text(api::as_object(other.get()), "jobs_before"), "null");
  EXPECT_EQ(member_text(api::as_object(other.get()), "closed"), "false");
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
  auto begun = must(ledger->begin(request("1"), std::nullopt, 0));
  expect(begun.entry.id, {"submitting", "sending the request now"});
  begun.presence.release();
  expect(begun.entry.id, {"unknown", "may have been charged", "looks at the cell's jobs first",
                          "genpro ledger settle"});
  must(ledger->note_unknown(begun.entry.id, true));
  expect(begun.entry.id, {"unknown, stop to be sent", "stops what it finds"});

  const std::int64_t running = add(*ledger, request("2"), generation("2", Phase::processing));
  expect(running, {"processing", "picks it up without a second charge"});
  must(ledger->note_stop_wanted(running, true));
  expect(running, {"processing, stop to be sent", "still to be sent", "next run"});
  {
    const auto follower = must(ledger->attach("https://api.gen.pro/v1", "2"));
    expect(running, {"a process waits for the clip", "not sent while"});
  }
  expect(add(*ledger, request("3"), generation("3", Phase::completed)),
         {"has not been handed on whole", "without a second charge"});
  expect(add(*ledger, request("4"), generation("4", Phase::completed), true),
         {"handed on whole", "pays again", "reuse is completed"});
  expect(add(*ledger, request("5"), generation("5", Phase::stopped)), {"stopped", "refunds it"});
  const std::int64_t refused = add(*ledger, request("6"));
  must(ledger->note_refused(refused, "no credits"));
  expect(refused, {"refused", "no credits", "nothing was charged"});
}

TEST_F(Show, FindsAGenerationByItsIdInAllRows) {
  const auto ledger = open();
  const std::int64_t first = add(*ledger, request("1"), generation("9040", Phase::completed));
  const std::int64_t second = add(*ledger, request("2"), generation("9040", Phase::failed));
  add(*ledger, request("3"), generation("gen_77", Phase::failed));
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
  const std::int64_t id =
      add(*ledger, request("red \033[31m\u009b2J bell\a turned \u202eback\u202c, été 日本"));
  const std::string page = output({"show", std::to_string(id)});
  EXPECT_FALSE(has_control_characters(page)) << page;
  EXPECT_NE(page.find("red [31m 2J bell turned back, été 日本"), std::string::npos) << page;
  EXPECT_EQ(page.find("\u202e"), std::string::npos);
  const auto document = json({"show", std::to_string(id)});
  const auto prompt = api::as_string(api::member(api::as_object(document.get()), "prompt"));
  EXPECT_EQ(prompt, "red \033[31m\u009b2J bell\a turned \u202eback\u202c, été 日本");
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
