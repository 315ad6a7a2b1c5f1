// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The SHA-256 of a content and, if wanted, its MD5, a block after the other.
#pragma once

#include <nettle/md5.h>
#include <nettle/sha2.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/guarded.h"

namespace genpro::assets {

// MD5 takes twice as long as SHA-256 does where the processor has instructions for that, and so is
// computed on a thread of its own, at most two blocks behind.
class Digests {
 public:
  static constexpr std::size_t block_size = 1024 * 1024;

  explicit Digests(bool with_md5);

  // What to read the next part of the content into. Waits until it is no longer in use.
  std::span<std::uint8_t> block();
  // The part has so many bytes.
  void add(std::size_t size);

  // Of all that was added, once.
  std::string sha256();  // hexadecimal
  std::string md5();     // base64

 private:
  struct Block {
    std::vector<std::uint8_t> bytes;
    std::size_t size = 0;
  };
  // How many blocks were given to the thread, and how many it has taken in.
  struct Turn {
    std::size_t added = 0;
    std::size_t done = 0;
  };
  void run_md5(const std::stop_token& stopped);

  sha256_ctx sha256_;
  md5_ctx md5_;
  std::array<Block, 2> blocks_;
  std::size_t next_ = 0;
  Guarded<Turn> turn_;
  std::jthread thread_;  // joined first
};

}  // namespace genpro::assets
