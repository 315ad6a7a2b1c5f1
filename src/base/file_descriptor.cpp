// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/file_descriptor.h"

#include <cerrno>

namespace genpro {

namespace {

template <typename Transfer>
ssize_t uninterrupted(Transfer transfer) {
  ssize_t count = -1;
  do {
    count = transfer();
  } while (count < 0 && errno == EINTR);
  return count;
}

// `transfer(done)` deals with what is left after so many bytes.
template <typename Transfer>
bool transfer_all(std::size_t size, Transfer transfer) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t count = uninterrupted([&] { return transfer(done); });
    if (count == 0) errno = EIO;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace

ssize_t read_some(int descriptor, void* data, std::size_t size) {
  return uninterrupted([&] { return read(descriptor, data, size); });
}

ssize_t read_some_at(int descriptor, std::uint64_t offset, void* data, std::size_t size) {
  return uninterrupted([&] { return pread(descriptor, data, size, static_cast<off_t>(offset)); });
}

bool read_all_at(int descriptor, std::uint64_t offset, void* data, std::size_t size) {
  return transfer_all(size, [&](std::size_t done) {
    return pread(descriptor, static_cast<char*>(data) + done, size - done,
                 static_cast<off_t>(offset + done));
  });
}

bool write_all(int descriptor, const void* data, std::size_t size) {
  return transfer_all(size, [&](std::size_t done) {
    return write(descriptor, static_cast<const char*>(data) + done, size - done);
  });
}

bool write_all_at(int descriptor, std::uint64_t offset, const void* data, std::size_t size) {
  return transfer_all(size, [&](std::size_t done) {
    return pwrite(descriptor, static_cast<const char*>(data) + done, size - done,
                  static_cast<off_t>(offset + done));
  });
}

}  // namespace genpro
