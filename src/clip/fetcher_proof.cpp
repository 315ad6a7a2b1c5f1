// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "clip/connection.h"
#include "clip/fetcher.h"

namespace genpro::clip {

namespace {

// Each request may reach another server, so that some bring nothing.
constexpr int most_proofs = 16;
// What a claim costs that another one takes the place of: a clip that has another name at each
// request cannot be compared.
constexpr int abandoned_claim = 8;

}  // namespace

std::string Fetcher::difference_from_known(const Identity& now) const {
  const bool is_alike = std::any_of(alike_.begin(), alike_.end(), [&](const Identity& each) {
    return difference(each, now).empty();
  });
  return is_alike ? "" : difference(*identity_, now);
}

bool Fetcher::may_be_proven(const Identity& now) const {
  return identity_->total && identity_->total == now.total && !overlap_.empty();
}

bool Fetcher::examine(const ConnectionPtr& connection, const Part& part, const std::string& changed,
                      const std::string& debug) {
  if (!claim_ || !difference(claim_->identity, part.identity).empty()) {
    if (claim_) proofs_ += abandoned_claim;
    claim_ = Claim{.identity = part.identity, .left = {}};
    const std::vector<std::uint64_t> samples = samples_.offsets();
    for (std::size_t i = 0; i < samples.size(); i += std::max<std::size_t>(samples.size() / 2, 1)) {
      claim_->left.emplace_back(samples[i], samples[i] + Samples::size);
    }
    claim_->left.emplace_back(overlap_.begin(), overlap_.end());
  } else if (connection->wanted.is_proof) {
    connection->first = connection->position = part.first;
    if (part.length) connection->end = part.first + *part.length;
    return true;
  }
  if (proofs_ >= most_proofs) {
    on_change(changed, debug, 0);
  } else {
    log_.log([&] { return "compares what is known of the clip: " + changed; });
    ask_for_proof();
  }
  return false;
}

void Fetcher::ask_for_proof() {
  ++proofs_;
  const auto [first, end] = claim_->left.back();
  forget_redirects();
  wanted_ = {.first = first, .last = end - 1, .known_end = end, .is_proof = true};
  connect();
}

// Where servers take turns, the next one may be the one that is asked about. Where it is gone, the
// clip is read on.
void Fetcher::on_known_server() {
  if (++claim_->missed % 2 == 0 || proofs_ >= most_proofs) return begin();
  ask_for_proof();
}

void Fetcher::on_compared(const ConnectionPtr& connection) {
  if (!connection->wanted.is_proof) return begin();
  // The whole clip may have come in place of a part.
  std::erase_if(claim_->left, [&](const auto& each) {
    return connection->first <= each.first && each.second <= connection->position;
  });
  if (!claim_->left.empty()) return ask_for_proof();
  const bool is_first = alike_.empty();
  alike_.push_back(std::move(claim_->identity));
  claim_.reset();
  log_.info([&] { return "has seen that another server has the same clip"; });
  if (is_first) {
    channel_->lock()->warning =
        "The clip's servers name it by different entity tags or dates, as if it had changed. It is "
        "read on, since its length and the bytes that were compared are the same. Tell the "
        "service's support.";
  }
  begin();
}

}  // namespace genpro::clip
