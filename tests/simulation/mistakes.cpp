// SPDX-License-Identifier: LGPL-2.1-or-later
#include "simulation/mistakes.h"

#include <algorithm>

#include "simulation/wrong_steps.h"

namespace genpro::simulation {

namespace {

using namespace wrong;
using payment::End;

Mind step_of(StepFunction* step) {
  Mind mind;
  mind.step = step;
  return mind;
}
Mind serving(bool (*can_serve)(const State&, Reuse, ServiceData, bool)) {
  Mind mind;
  mind.can_serve = can_serve;
  return mind;
}
Mind slip(Slip slip) {
  Mind mind;
  mind.slip = slip;
  return mind;
}
Mind counting(std::optional<double> (*expense)(const State&, std::optional<double>,
                                               std::optional<double>)) {
  Mind mind;
  mind.expense = expense;
  return mind;
}
Mind waiting(Millis (*wait_for_others)(const State&, const Now&)) {
  Mind mind;
  mind.wait_for_others = wait_for_others;
  return mind;
}

}  // namespace

const std::vector<Mistake>& mistakes() {
  static const std::vector<Mistake> all = {
      // 1
      {"conflict-is-refusal", "409 and 425 prove that nothing was taken",
       step_of(on_replied<conflict_is_refusal>)},
      {"time-out-is-refusal", "408 proves that nothing was taken",
       step_of(on_replied<time_out_is_refusal>)},
      {"rate-limit-is-refusal", "429 proves that nothing was taken",
       step_of(on_replied<rate_limit_is_refusal>)},
      {"server-error-is-refusal", "the API's 5xx proves that nothing was taken",
       step_of(on_replied<server_error_is_refusal>)},
      {"bare-success-is-refusal", "2xx without an id, and 303, prove that nothing was taken",
       step_of(on_replied<bare_success_is_refusal>)},
      {"gateway-is-api", "a gateway's 4xx is taken for the API's",
       step_of(on_replied<gateway_is_api>)},
      {"redirect-is-overlooked", "an error after a redirect proves that nothing was taken",
       step_of(on_replied<redirect_is_overlooked>)},
      {"silence-is-not-sent", "no answer means that the request did not leave",
       step_of(on_replied<silence_is_not_sent>)},
      {"refusal-after-doubt", "a repeat that is refused settles an earlier doubtful try",
       step_of(refusal_after<&Attempt::doubtful>)},
      {"refusal-after-queueing", "a repeat that is refused settles what the service had queued",
       step_of(refusal_after<&Attempt::was_put_off>)},
      // 2
      {"takes-the-first", "of several new generations the first is followed",
       step_of(on_doubt_listed<takes_the_first>)},
      {"takes-the-last", "of several new generations the last is followed",
       step_of(on_doubt_listed<takes_the_last>)},
      {"absence-is-forgotten", "what a listing after the settling time lacked is followed later",
       step_of(on_doubt_listed<absence_is_forgotten>)},
      {"all-is-new", "what the cell had before the POST is followed",
       step_of(on_doubt_listed<all_is_new>)},
      {"own-is-earlier", "its own generation is thought to be an earlier one",
       step_of(on_doubt_listed<nothing_is_new>)},
      {"claims-are-overlooked", "another row's generation is followed",
       step_of(on_doubt_listed<claims_are_overlooked>)},
      {"cut-list-is-whole", "an entry without a readable id is taken for none",
       step_of(on_doubt_listed<cut_list_is_whole>)},
      {"loss-is-overlooked", "a list that has lost what it had is evidence of absence",
       step_of(on_doubt_listed<loss_is_overlooked>)},
      {"unread-is-empty", "a cell that could not be read before the POST was empty",
       step_of(then<unread_is_empty>)},
      {"settles-at-once", "a listing within the settling time is evidence",
       step_of(settles_at_once)},
      {"likely-is-proven", "what is likely is noted as proven", step_of(then<likely_is_proven>)},
      {"likely-is-not-told", "what is likely is followed without a warning",
       step_of(then<likely_is_not_told>)},
      {"likely-is-told-once", "a later run does not tell that its clip is only likely its own",
       step_of(then<likely_is_told_once>)},
      {"likely-is-refunded", "the refund of what is only likely is taken for its own",
       step_of(likely_is_refunded)},
      {"stopped-is-refunded", "what may have paid for a request is let go, and it is sent again",
       step_of(stopped_is_refunded)},
      {"doubt-is-not-told", "a run ends in doubt without a word", step_of(then<doubt_is_not_told>)},
      {"never-asks", "when-in-doubt=ask is overlooked", step_of(with_policy<never_asks>)},
      {"looks-are-dated-by-posts", "a look at the cell is taken for as late as the POST after it",
       slip(Slip::dates_looks_by_posts)},
      {"later-looks-are-overlooked", "what came only after a later request is followed",
       slip(Slip::tells_no_later_looks)},
      {"rivals-are-overlooked", "what another request in doubt may have made is followed",
       slip(Slip::tells_no_rivals)},
      // 3
      {"pays-again-in-doubt", "a run whose payment is in doubt again makes another one",
       slip(Slip::pays_again_in_doubt)},
      {"new-key", "a repeat has another key", step_of(then<new_key>)},
      {"wall-step-gives-a-new-key", "a clock that steps by days makes a key look old",
       step_of(wall_step_gives_a_new_key)},
      {"keys-are-trusted", "a repeat is sent at once where keys are not documented",
       step_of(with_policy<keys_are_trusted>)},
      {"expired-key-is-trusted", "a key is used after the service has forgotten it",
       step_of(expired_key_is_trusted)},
      {"unread-cell-is-empty", "a cell that cannot be read has nothing new",
       step_of(unread_cell_is_empty)},
      {"measures-by-the-wall", "ages are measured by the wall clock",
       slip(Slip::measures_by_the_wall)},
      {"forgets-boots", "clocks of different boots are compared", slip(Slip::forgets_boots)},
      // 4
      {"comes-back-too-soon", "a repeat does not wait as told",
       step_of(on_replied<comes_back_too_soon>)},
      // 5
      {"one-404-is-gone", "the API's first 404 ends it", step_of(one_404_is_gone)},
      {"gateway-404-is-gone", "a gateway's 404 on what is picked up makes a run pay anew",
       step_of(gateway_404_is_gone)},
      {"early-404-counts", "right after the POST a 404 means that it is gone",
       step_of(early_404_counts)},
      {"cell-is-not-asked", "what the cell still lists is gone", step_of(cell_is_not_asked)},
      {"gone-serves-nobody", "what is gone is silently bought anew", serving(gone_serves_nobody)},
      // 6
      {"likely-is-stopped", "what is only likely its own is stopped", step_of(likely_is_stopped)},
      {"likely-pays-the-owed-stop", "an owed stop is sent to what is only likely",
       step_of(then<likely_pays_the_owed_stop>)},
      {"stop-is-not-written", "a stop is sent before it is on disk",
       step_of(then<stop_is_not_written>)},
      {"unstoppable-is-stopped", "422 to a stop is taken for a refund",
       step_of(counts_as_stopped<422>)},
      {"stop-is-forgotten", "a shutdown while a POST is under way notes no stop",
       step_of(stop_is_forgotten)},
      {"silence-is-stopped", "no answer to a stop is taken for a refund",
       step_of(counts_as_stopped<0>)},
      {"stop-is-refund", "what is stopped is noted as refunded", step_of(then<stop_is_refund>)},
      {"doubt-is-free", "a limit of the cost does not count what is in doubt",
       counting(doubt_is_free)},
      {"stop-is-free", "a limit of the cost does not count what is stopped",
       counting(stop_is_free)},
      {"estimate-is-free", "a limit of the cost counts what has ended alone",
       counting(nothing_costs_before_its_end)},
      // 7
      {"waits-for-nobody", "two requests to a cell are in doubt at the same time",
       waiting(waits_for_nobody)},
      {"repeats-wait-for-nobody", "a row in doubt is taken up beside another one",
       slip(Slip::forgets_to_wait_in_take_up)},
      {"posts-without-the-cell", "two requests to a cell are under way",
       slip(Slip::posts_without_the_cell)},
      // 8
      {"outage-ends-the-run", "an outage while polling ends the run",
       step_of(ends_the_run<is_outage, End::Kind::unreachable>)},
      {"one-denial-ends-the-run", "one 401, 403 or 409 while polling ends the run",
       step_of(ends_the_run<is_denial, End::Kind::denied>)},
      {"gateway-denies", "a gateway's 401 and 403 are taken for the API's",
       step_of(on_polled<gateway_denies>)},
      {"error-is-a-stop", "a run that ends in an error stops what is paid",
       slip(Slip::stops_after_an_error)},
      {"late-clip-is-none", "completed without resources is an error at once",
       step_of(ends_the_run<is_bare, End::Kind::no_clip>)},
      {"unknown-is-failed", "an unknown status is an end", step_of(on_polled<unknown_is_failed>)},
      {"time-out-forgets", "generation-timeout during a POST forgets it",
       step_of(time_out_forgets)},
      {"leaving-forgets", "a shutdown during a POST forgets it", step_of(leaving_forgets)},
      // 9
      {"takes-old-data", "the clip of other data is delivered", slip(Slip::takes_old_data)},
      {"doubt-serves-nobody", "a request in doubt is asked for anew", serving(doubt_serves_nobody)},
      {"completed-serves-nobody", "a clip that was not delivered is paid anew",
       serving(completed_serves_nobody)},
      {"those-together-pay-twice", "who asked at the same time pays again",
       serving(those_together_pay_twice)},
      // 10
      {"removed-ledger-is-written", "money is spent by a ledger that is not the one it was",
       slip(Slip::writes_to_a_removed_ledger)},
      {"child-keeps-locks", "a forked child keeps the locks of the dead",
       slip(Slip::leaves_locks_to_its_child)},
      {"behind-overwrites", "who is behind overwrites what another run has written",
       slip(Slip::overwrites_who_is_further)},
      // A ledger that machines share
      {"posts-with-a-lost-place", "a request leaves after its cell was lost with its connection",
       slip(Slip::posts_with_a_lost_place)},
      {"stops-with-a-lost-place", "what another machine may follow by now is stopped",
       slip(Slip::stops_with_a_lost_place)},
      {"unknown-commit-is-done", "a request leaves whose intention may not be on disk",
       slip(Slip::takes_unknown_for_done)},
      {"unknown-commit-is-undone", "a second row is begun where the first one may be on disk",
       slip(Slip::inserts_again)},
      {"suspended-post-is-sent", "a request leaves long after another machine may have taken over",
       slip(Slip::posts_after_a_suspension)},
      {"posts-are-dated-by-intentions", "what a late request may make is waited for too shortly",
       slip(Slip::dates_posts_by_intentions)},
      {"lost-row-is-forgotten", "what a fail-over has lost is not written anew by who knows it",
       slip(Slip::forgets_lost_rows)},
      {"numbers-are-trusted", "what a run knows is written to the row that has its number now",
       slip(Slip::trusts_numbers)},
      {"overlooks-who-took-over",
       "a run hears of who has taken its row over, and waits for nothing",
       slip(Slip::keeps_a_lost_cell)},
      {"likely-of-another-is-not-told", "what another run has found likely is delivered untold",
       slip(Slip::tells_no_likely_of_others)},
      {"clocks-are-compared", "the time of another machine is taken for one of its own clock",
       slip(Slip::takes_clocks_for_its_own)},
      {"looks-are-taken-for-later", "when another machine looked at a cell is taken for later",
       slip(Slip::takes_looks_for_later)},
      // 11
      {"failed-flow-delivers", "a run whose flow failed notes a delivery",
       slip(Slip::notes_a_delivery_that_failed)},
      {"completed-is-delivered", "completed is noted as delivered",
       step_of(then<completed_is_delivered>)},
      // 12, and what is on disk
      {"history-is-empty", "a transition is written without what came",
       step_of(then<history_is_empty>)},
      {"posts-before-it-persists", "a POST leaves before it is on disk",
       slip(Slip::posts_before_it_persists)},
      {"post-is-not-written", "a POST leaves without being on disk",
       step_of(then<post_is_not_written>)},
      {"answer-is-not-written", "what an answer proves is not on disk",
       step_of(then<answer_is_not_written>)},
      {"posting-was-not-sent", "a process that died over a POST had not sent it",
       step_of(posting_was_not_sent)},
      {"reconciling-pays", "who only looks the ledger over sends requests",
       step_of(with_policy<may_always_post>)},
  };
  return all;
}

const Mistake* find_mistake(std::string_view name) {
  const auto found = std::find_if(mistakes().begin(), mistakes().end(),
                                  [&](const Mistake& one) { return name == one.name; });
  return found != mistakes().end() ? &*found : nullptr;
}

}  // namespace genpro::simulation
