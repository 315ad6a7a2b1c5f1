// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The stream of an accepted socket, which tells what is read from it, where it ends and when it is
// closed. The server library tells none of these while a connection waits for its next request.
#pragma once

#include <gio/gio.h>

#include <string_view>

#include "base/glib_ptr.h"

namespace genpro::emulator {

class StreamWatcher {
 public:
  virtual ~StreamWatcher() = default;
  virtual void bytes_read(std::string_view bytes) = 0;
  // There is nothing more to read, as the peer says or as it is lost. True: the reader is not told,
  // but finds nothing to read for now.
  virtual bool hides_end(bool lost) = 0;
  // The stream is being closed, which is the last that is heard of it. True: the socket is not to
  // be closed with it, as someone else has taken it over.
  virtual bool keeps_socket() = 0;
};

// Neither `watcher` is owned, nor does it own the stream: it has to outlive it or take leave.
ObjectPtr<GIOStream> watched_stream(GSocket* socket, StreamWatcher* watcher);
// From now on nobody is told anything.
void leave_stream(GIOStream* stream);

}  // namespace genpro::emulator
