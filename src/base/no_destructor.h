// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <utility>

namespace genpro {

// A static value that the end of the process leaves as it is. The threads of the project are joined
// among the destructors of statics, and may use those until then that were made after the list of
// threads, and so are destroyed before it.
template <typename T>
class NoDestructor {
 public:
  template <typename... Arguments>
  explicit NoDestructor(Arguments&&... arguments) : value_(std::forward<Arguments>(arguments)...) {}
  NoDestructor(const NoDestructor&) = delete;
  NoDestructor& operator=(const NoDestructor&) = delete;
  ~NoDestructor() {}  // NOLINT(modernize-use-equals-default): with that, the union has none

  T& operator*() noexcept { return value_; }

 private:
  union {
    T value_;
  };
};

}  // namespace genpro
