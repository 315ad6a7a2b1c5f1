// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Runs the renderer as child processes, a few at a time, so that a file that crashes a decoder
// takes one child down and nothing else. Everything happens on the main context that was the
// thread's default when the queue was made.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/sanitizer.h"
#include "emulator/util/timer.h"

namespace genpro::emulator {

struct RendererSettings {
  // The renderer and its leading arguments; the path of the specification is added.
  std::vector<std::string> command{"/proc/self/exe", "render"};
  unsigned slots = 2;
  double timeout = 180;  // seconds a render may take
  // Bytes of memory that a render may take. Four clips take a third of a gigabyte.
#if defined(GENPRO_ADDRESS_SANITIZER) || defined(GENPRO_THREAD_SANITIZER)
  std::uint64_t max_memory = 0;  // a sanitizer's own tables are larger than any limit
#else
  std::uint64_t max_memory = std::uint64_t{2} << 30;
#endif
  bool verbose = false;  // let the children write to standard error
};

// How a render ended.
struct RenderEnd {
  // Empty when it succeeded, else a sentence that says what happened, to which ingredient, and what
  // to do.
  std::string failure;
  std::int64_t frames = 0;  // of the clip, as the renderer says
};

class RenderQueue {
 public:
  using Ticket = std::uint64_t;
  // Called once when the child runs.
  using Started = std::function<void()>;
  // Called with how much of the clip has been encoded, from 0 to 1.
  using Progressed = std::function<void(double progress)>;
  // Called once at the end.
  using Finished = std::function<void(const RenderEnd& end)>;

  explicit RenderQueue(RendererSettings settings);
  ~RenderQueue();  // kills what runs
  RenderQueue(const RenderQueue&) = delete;
  RenderQueue& operator=(const RenderQueue&) = delete;

  // Never calls back from inside submit().
  Ticket submit(std::string spec_path, Started started, Progressed progressed, Finished finished);
  // Kills the child or drops the waiting render. No callback is called afterwards.
  void cancel(Ticket ticket);

 private:
  struct Waiting {
    Ticket ticket;
    std::string spec_path;
    Started started;
    Progressed progressed;
    Finished finished;
  };
  class Child;

  void schedule() {
    timer_.start(0, [this] { pump(); });
  }
  void pump();
  void ended(Child* child);

  RendererSettings settings_;
  Ticket next_ticket_ = 1;
  std::deque<Waiting> waiting_;
  std::list<std::unique_ptr<Child>> children_;
  Timer timer_;
};

}  // namespace genpro::emulator
