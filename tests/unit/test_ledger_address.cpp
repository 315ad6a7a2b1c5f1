// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where a ledger is: what is taken for the address of a server, and how one is shown.
#include <gtest/gtest.h>

#include "ledger/ledger.h"
#include "ledger/store/address.h"

namespace genpro::ledger {
namespace {

// Each machine would have a file of that name, and pay for itself.
TEST(LedgerAddress, InAnotherSpellingIsNoFile) {
  for (const char* wrong :
       {"Postgresql://host/db", "POSTGRES://host/db", "postgresql:host/db", "postgres:/host/db",
        "mysql://host/db", "http://host/db", "host=h dbname=db", "user=me host=h"}) {
    EXPECT_TRUE(is_mistaken_address(wrong)) << wrong;
    const auto ledger = Ledger::open(wrong);
    ASSERT_FALSE(ledger) << wrong;
    EXPECT_NE(ledger.error().message.find("postgresql://HOST/DATABASE"), std::string::npos)
        << ledger.error().message;
    EXPECT_FALSE(g_file_test(wrong, G_FILE_TEST_EXISTS)) << wrong;
  }
  for (const char* file : {"ledger.db", "a:b/ledger.db", "/localhost=1/x.db", "://x", "postgres"}) {
    EXPECT_FALSE(is_mistaken_address(file)) << file;
  }
}

TEST(LedgerAddress, IsShownWithoutAPassword) {
  for (const char* secret :
       {"postgresql://me:hunter2@host/db", "postgres://:hunter2@host/db",
        "postgresql://me:hun/ter2@host/db", "postgresql://h/db?password=hunter2",
        "postgresql://h/db?a=b&sslpassword=hunter2&c=d", "postgresql://h/db?pass%77ord=hunter2",
        "postgresql://me:hun?hunter2@host/db", "postgresql://h/db?PASSWORD=hunter2",
        "postgresql://h/db password=hunter2", "postgresql://h/db;password=hunter2",
        "Postgresql://me:hunter2@host/db", "mysql://me:hunter2@host/db",
        "host=h user=me password = hunter2 dbname=db"}) {
    EXPECT_TRUE(has_password(secret)) << secret;
    EXPECT_EQ(without_password(secret).find("ter2"), std::string::npos) << secret;
    const auto ledger = Ledger::open(secret);
    ASSERT_FALSE(ledger) << secret;
    EXPECT_EQ(ledger.error().message.find("ter2"), std::string::npos) << ledger.error().message;
    EXPECT_EQ(ledger.error().debug.find("ter2"), std::string::npos) << ledger.error().debug;
  }
  for (const char* plain : {"postgresql://me@host:5432/db?sslmode=require", "/a/b:c@d/ledger.db",
                            "postgresql://host:5432/db?user=me@tenant",
                            "postgresql:///db?host=/run", "/a/password=b/ledger.db"}) {
    EXPECT_FALSE(has_password(plain)) << plain;
    EXPECT_FALSE(is_mistaken_address(plain)) << plain;
    EXPECT_EQ(without_password(plain), plain);
  }
}

}  // namespace
}  // namespace genpro::ledger
