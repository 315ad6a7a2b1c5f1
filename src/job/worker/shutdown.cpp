// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a worker ends: what was delivered is noted, and what is unfinished is stopped or left.
#include "job/worker/worker.h"

#include "ledger/store/clock.h"

namespace genpro::job {

void Worker::end_steps() {
  is_shutting_down_ = true;
  key_request_.reset();
  end_archive_work();
  address_request_.reset();
  preparation_.reset();
  identity_request_.reset();
  estimate_request_.reset();
  claiming_.reset();
  deadline_timer_.stop();
  later_.stop();
}

void Worker::begin_shutdown() {
  // The clip of one that has ended may still be read.
  if (is_shutting_down_ || (has_ended_ && !has_failed_)) return;
  end_steps();
  stop_unfinished();
}

void Worker::shut_down(const Delivery& delivery) {
  const bool has_begun = is_shutting_down_;
  end_steps();
  log_.info([&] {
    return std::to_string(delivery.bytes) + " bytes were pushed: " +
           (delivery.is_whole ? "the clip is delivered" : "the clip is not delivered");
  });
  const std::int64_t row = payment_ ? payment_->entry().id : 0;
  // A process that is killed while it ends has not ended its work in order, however far it was: the
  // next run picks the clip up once more instead of paying for another one.
  if (row != 0 && delivery.is_whole) {
    ledger_.tell_late([row, bytes = delivery.bytes, at = ledger::wall_clock_now()](
                          ledger::Ledger& ledger) { (void)ledger.note_delivery(row, bytes, at); });
  } else if (row != 0 && delivery.bytes > 0) {
    ledger_.tell([row, bytes = delivery.bytes](ledger::Ledger& ledger) {
      (void)ledger.note_bytes(row, bytes);
    });
  }
  if (!has_begun) stop_unfinished();
}

void Worker::stop_unfinished() {
  // An error of its own is no wish to stop: what is paid goes on, and the next run picks it up. The
  // user's own limit of the wait is one.
  const bool is_wanted = settings_.stops && !is_attached_ && (!has_failed_ || has_timed_out_);
  if (!is_wanted || !payment_) {
    log_.info([&] {
      return std::string("no stop is asked for: ") +
             (!payment_          ? "nothing was asked for"
              : is_attached_     ? "the generation is not this run's own"
              : !settings_.stops ? "on-shutdown is detach"
                                 : "after an error the next run picks up what is unfinished");
    });
    return finish_shutdown(Shutdown::nothing);
  }
  payment_->stop();
}

void Worker::finish_shutdown(Shutdown outcome) {
  if (outcome != Shutdown::nothing) log_.info([&] { return describe(outcome); });
  // Before anybody hears of it: who starts the same next finds the row free.
  if (payment_) payment_->release();
  auto shared = channel_->lock();
  shared->shutdown = outcome;
  shared.notify();
}

void Worker::cancel() {
  end_steps();
  owed_stops_timer_.stop();
  owed_stops_.reset();
  payment_.reset();
}

}  // namespace genpro::job
