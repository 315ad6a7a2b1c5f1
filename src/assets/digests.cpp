// SPDX-License-Identifier: LGPL-2.1-or-later
#include "assets/digests.h"

#include <pthread.h>

#include <string_view>

#include "base/glib_ptr.h"

namespace genpro::assets {

Digests::Digests(bool with_md5) {
  sha256_init(&sha256_);
  md5_init(&md5_);
  if (!with_md5) return;
  thread_ = std::jthread([this](const std::stop_token& stopped) {
    pthread_setname_np(pthread_self(), "genpro-md5");
    run_md5(stopped);
  });
}

std::span<std::uint8_t> Digests::block() {
  if (thread_.joinable()) {
    turn_.lock().wait([](const Turn& turn) { return turn.added - turn.done < 2; });
  }
  std::vector<std::uint8_t>& bytes = blocks_[next_].bytes;
  bytes.resize(block_size);
  return bytes;
}

void Digests::add(std::size_t size) {
  Block& block = blocks_[next_];
  block.size = size;
  if (thread_.joinable()) {
    next_ = 1 - next_;
    auto turn = turn_.lock();
    ++turn->added;
    turn.notify();
  }
  sha256_update(&sha256_, size, block.bytes.data());
}

void Digests::run_md5(const std::stop_token& stopped) {
  for (std::size_t number = 0;; ++number) {
    if (!turn_.lock().wait(stopped, [&](const Turn& turn) { return turn.added > number; })) return;
    const Block& block = blocks_[number % 2];
    md5_update(&md5_, block.size, block.bytes.data());
    auto turn = turn_.lock();
    ++turn->done;
    turn.notify();
  }
}

std::string Digests::sha256() {
  std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest{};
  sha256_digest(&sha256_, digest.size(), digest.data());
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : digest) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string Digests::md5() {
  turn_.lock().wait([](const Turn& turn) { return turn.added == turn.done; });
  std::array<std::uint8_t, MD5_DIGEST_SIZE> digest{};
  md5_digest(&md5_, digest.size(), digest.data());
  return take_string(g_base64_encode(digest.data(), digest.size()));
}

}  // namespace genpro::assets
