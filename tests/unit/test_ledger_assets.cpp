// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is known of uploaded files.
#include "ledger_fixture.h"

namespace genpro::ledger {
namespace {

using test::must;

class LedgerAssets : public test::LedgerTest {
 protected:
  static Asset asset(const std::string& id, char content, WallTime at = 1) {
    return {id, std::string(64, content), 3, "image/png", "photo.png", at};
  }
  const AssetScope here_{"https://api.gen.pro/v1", "42"};
};

TEST_F(LedgerAssets, AreKnownByTheirContentUntilTheyAreGone) {
  const auto ledger = open();
  const std::string content(64, 'a');
  EXPECT_FALSE(must(ledger->find_asset(here_, content)));
  must(ledger->note_asset(here_, asset("501", 'a', 1)));
  must(ledger->note_asset(here_, asset("502", 'a', 2)));
  EXPECT_EQ(must(open()->find_asset(here_, content))->id, "502");
  // The same agent of the same service, written otherwise.
  EXPECT_TRUE(must(ledger->find_asset({"https://API.gen.pro:443/v1/", "042"}, content)));
  EXPECT_FALSE(must(ledger->find_asset({"https://api.gen.pro/v1", "43"}, content)));
  EXPECT_FALSE(must(ledger->find_asset({"https://api.other/v1", "42"}, content)));
  must(ledger->note_asset_gone(here_, "502"));
  EXPECT_EQ(must(ledger->find_asset(here_, content))->id, "501");
  must(ledger->note_asset_gone(here_, "501"));
  EXPECT_FALSE(must(ledger->find_asset(here_, content)));
  // What they were made of is known all the same.
  const auto assets = must(ledger->assets_of(here_, {"501", "777", "0502"}));
  ASSERT_EQ(assets.size(), 3U);
  EXPECT_EQ(assets[0]->sha256, content);
  EXPECT_FALSE(assets[1]);
  EXPECT_EQ(assets[2]->sha256, content);
}

TEST_F(LedgerAssets, OneIsUploadedByOneAtATime) {
  const auto one = open();
  const auto other = open();
  const std::string content(64, 'a');
  auto lock = must(one->lock_asset(here_, content));
  ASSERT_TRUE(lock);
  EXPECT_FALSE(must(other->lock_asset(here_, content)));
  EXPECT_TRUE(must(other->lock_asset(here_, std::string(64, 'b'))));
  EXPECT_TRUE(must(other->lock_asset({"https://api.gen.pro/v1", "43"}, content)));
  lock->release();
  EXPECT_TRUE(must(other->lock_asset(here_, content)));
}

TEST_F(LedgerAssets, AFileThatHasChangedIsNotKnown) {
  const auto ledger = open();
  const FileStamp file{"/a/photo.png", 1, 2, 3, 4, 5};
  must(ledger->note_digests({{file, {std::string(64, 'a'), "image/png"}}}));
  const auto is_known = [&](const FileStamp& stamp) {
    return must(ledger->digests_of({stamp})).at(0).has_value();
  };
  EXPECT_TRUE(is_known(file));
  for (auto member : {&FileStamp::device, &FileStamp::inode, &FileStamp::size,
                      &FileStamp::modified_ns, &FileStamp::changed_ns}) {
    FileStamp changed = file;
    ++(changed.*member);
    EXPECT_FALSE(is_known(changed));
  }
  FileStamp changed = file;
  changed.changed_ns = 6;
  must(ledger->note_digests({{changed, {std::string(64, 'b'), "image/png"}}}));
  EXPECT_FALSE(is_known(file));
  EXPECT_EQ(must(ledger->digests_of({changed})).at(0)->sha256, std::string(64, 'b'));
}

// An id that nothing is known of is another request than one of a known content.
TEST_F(LedgerAssets, WhatIsDamagedIsToldAndNotTakenForUnknown) {
  const auto ledger = open();
  must(ledger->note_asset(here_, asset("501", 'a')));
  for (const char* damage : {"sha256 = 'x'", "sha256 = upper(sha256)", "content_type = ''",
                             "content_type = x'ff2f'", "size = -1"}) {
    sql(std::string("UPDATE assets SET ") + damage);
    const auto assets = ledger->assets_of(here_, {"777", "501"});
    ASSERT_FALSE(assets) << damage;
    EXPECT_EQ(assets.error().kind, ErrorKind::ledger);
    EXPECT_NE(assets.error().message.find("content resource 501"), std::string::npos)
        << assets.error().message;
    // It is no reason not to upload the file once more.
    EXPECT_FALSE(must(ledger->find_asset(here_, std::string(64, 'a')))) << damage;
    const auto findings = must(ledger->check(clock_now()));
    ASSERT_EQ(findings.size(), 1U) << damage;
    EXPECT_TRUE(findings[0].is_damage);
    EXPECT_NE(findings[0].text.find("501"), std::string::npos) << findings[0].text;
    must(ledger->note_asset(here_, asset("501", 'a')));
    EXPECT_TRUE(must(ledger->assets_of(here_, {"501"})).at(0));
  }
}

TEST_F(LedgerAssets, FilesThatWereReadAreNotRememberedWithoutEnd) {
  const auto ledger = open();
  std::vector<std::pair<FileStamp, FileDigest>> files;
  for (int number = 0; number < 10'100; ++number) {
    files.push_back({{"/a/" + std::to_string(number), 1, 2, 3, 4, number},
                     {std::string(64, 'a'), "image/png"}});
  }
  must(ledger->note_digests(files));
  const auto is_known = [&](std::size_t number) {
    return must(ledger->digests_of({files[number].first})).at(0).has_value();
  };
  EXPECT_FALSE(is_known(99));
  EXPECT_TRUE(is_known(100));
}

// The same files are the same request, whatever their ids are today.
TEST_F(LedgerAssets, ServeARequestByItsContents) {
  const auto ledger = open();
  Identity first = request();
  first = make_identity(first.base_url, first.cell_path, first.agent_id, first.model, {},
                        R"({"ids":[501]})", "-", R"({"ids":["sha256-aa"]})");
  const std::int64_t id = add(*ledger, first, pending("9040"));
  const Identity second =
      make_identity(first.base_url, first.cell_path, first.agent_id, first.model, {},
                    R"({"ids":[777]})", "-", R"({"ids":["sha256-aa"]})");
  const auto claim = must(ask(*ledger, second));
  EXPECT_EQ(claim.kind, Claim::Kind::take);
  EXPECT_EQ(claim.entry.id, id);
  // A key is for one body: the one that it was used with.
  EXPECT_EQ(claim.entry.identity.request, R"({"ids":[501]})");
  for (const auto& finding : must(ledger->check(clock_now()))) {
    EXPECT_FALSE(finding.is_damage) << finding.text;
  }
}

}  // namespace
}  // namespace genpro::ledger
