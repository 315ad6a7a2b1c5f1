// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Rows of batches, which processes share out.
#include "ledger_fixture.h"

namespace genpro::ledger {
namespace {

using test::must;

using Status = BatchRow::Status;

class LedgerBatches : public test::LedgerTest {
 protected:
  static BatchRow batch_row(std::int64_t number, Status status, const std::string& generation_id) {
    BatchRow row;
    row.batch = "batch";
    row.number = number;
    row.status = status;
    row.request = "request";
    row.generation_id = generation_id;
    row.host = "host";
    row.output = "/clips/1.mp4";
    row.receipt = "receipt";
    return row;
  }
};

TEST_F(LedgerBatches, WhatBecameOfARowIsKnownToAll) {
  const auto ledger = open();
  const WallTime before = must(ledger->now());
  BatchRow failed = batch_row(2, Status::failed, "");
  failed.note = "two\nlines";
  failed.exit_code = 3;
  EXPECT_TRUE(must(ledger->note_batch_row(failed, false)));
  BatchRow done = batch_row(1, Status::done, "9001");
  done.cost = 3.5;
  done.is_charged = true;
  done.bytes = 100;
  EXPECT_TRUE(must(ledger->note_batch_row(batch_row(1, Status::begun, ""), false)));
  EXPECT_TRUE(must(ledger->note_batch_row(done, false)));
  const auto rows = must(open()->batch_rows("batch"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].number, 1);
  EXPECT_EQ(rows[0].status, Status::done);
  EXPECT_EQ(rows[0].request, "request");
  EXPECT_EQ(rows[0].generation_id, "9001");
  EXPECT_EQ(rows[0].cost, 3.5);
  EXPECT_TRUE(rows[0].is_charged);
  EXPECT_EQ(rows[0].bytes, 100U);
  EXPECT_EQ(rows[0].host, "host");
  EXPECT_EQ(rows[0].output, "/clips/1.mp4");
  EXPECT_EQ(rows[0].receipt, "receipt");
  EXPECT_GE(rows[0].changed_at, before);
  EXPECT_EQ(rows[1].status, Status::failed);
  EXPECT_FALSE(rows[1].cost);
  EXPECT_EQ(rows[1].note, "two lines");
  EXPECT_EQ(rows[1].exit_code, 3);
  EXPECT_TRUE(must(ledger->batch_rows("another")).empty());
}

TEST_F(LedgerBatches, AGenerationIsOneRows) {
  const auto ledger = open();
  EXPECT_TRUE(must(ledger->note_batch_row(batch_row(1, Status::begun, "9001"), false)));
  EXPECT_FALSE(must(open()->note_batch_row(batch_row(2, Status::begun, "9001"), false)));
  EXPECT_EQ(must(ledger->batch_rows("batch")).size(), 1U);
  // Unless the user has named it for both, or it is another batch.
  EXPECT_TRUE(must(ledger->note_batch_row(batch_row(2, Status::begun, "9001"), true)));
  BatchRow other = batch_row(1, Status::begun, "9001");
  other.batch = "another";
  EXPECT_TRUE(must(ledger->note_batch_row(other, false)));
}

TEST_F(LedgerBatches, WhatIsDoneIsNotBegunByOneThatComesLate) {
  const auto ledger = open();
  must(ledger->note_batch_row(batch_row(1, Status::done, "9001"), false));
  for (const Status late : {Status::begun, Status::failed}) {
    EXPECT_TRUE(must(ledger->note_batch_row(batch_row(1, late, "9001"), false)));
    EXPECT_EQ(must(ledger->batch_rows("batch")).front().status, Status::done);
  }
  // Made anew.
  must(ledger->note_batch_row(batch_row(1, Status::begun, ""), false));
  EXPECT_EQ(must(ledger->batch_rows("batch")).front().status, Status::begun);
}

TEST_F(LedgerBatches, ARowIsMadeByOneAtATime) {
  const auto one = open();
  const auto other = open();
  {
    const auto lock = must(one->lock_batch("batch", "row 1"));
    ASSERT_TRUE(lock);
    EXPECT_FALSE(must(other->lock_batch("batch", "row 1")));
    EXPECT_TRUE(must(other->is_batch_held("batch", "row 1")));
    EXPECT_TRUE(must(other->lock_batch("batch", "row 2")));
    EXPECT_TRUE(must(other->lock_batch("another", "row 1")));
  }
  EXPECT_FALSE(must(other->is_batch_held("batch", "row 1")));
  EXPECT_TRUE(must(other->lock_batch("batch", "row 1")));
}

TEST_F(LedgerBatches, AreRemovedWithOldRowsOnceNothingOfThemIsNew) {
  const auto ledger = open();
  must(ledger->note_batch_row(batch_row(1, Status::done, "9001"), false));
  must(ledger->prune(wall_clock_now() - 60'000));
  EXPECT_EQ(must(ledger->batch_rows("batch")).size(), 1U);
  must(ledger->prune(wall_clock_now() + 60'000));
  EXPECT_TRUE(must(ledger->batch_rows("batch")).empty());
}

}  // namespace
}  // namespace genpro::ledger
