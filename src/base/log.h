// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Logging for the rooms below the plugin, which know nothing of GStreamer. The plugin sets a sink;
// without one, or where a level is off, a text is not even made. Threads: any.
#pragma once

#include <string>
#include <utility>

namespace genpro::log {

enum class Category { job, api, clip, assets };

enum class Level {
  warning,  // what a user should know
  info,     // changes of state, and decisions about money with their reasons
  debug,    // each request and answer
  log,      // ranges and reconnects
  trace,    // buffers
};

// Where a line of the log is written.
struct Place {
  const char* file;
  const char* function;
  int line;
  static constexpr Place here(const char* file = __builtin_FILE(),
                              const char* function = __builtin_FUNCTION(),
                              int line = __builtin_LINE()) {
    return {file, function, line};
  }
};

class Sink {
 public:
  virtual bool wants(Category category, Level level) const noexcept = 0;
  // `id`: of the element that it is about; may be empty.
  virtual void write(Category category, Level level, const Place& place, const std::string& id,
                     const std::string& text) const noexcept = 0;

 protected:
  ~Sink() = default;
};

// For the rest of the process.
void set_sink(const Sink* sink) noexcept;
// Null where nobody wants it.
const Sink* sink_for(Category category, Level level) noexcept;

// What an object writes with. `text` is a function that makes the text. No key, signature or body
// may be in it.
class Logger {
 public:
  Logger(Category category, std::string id) : category_(category), id_(std::move(id)) {}

  template <typename Text>
  void warning(Text text, Place place = Place::here()) const {
    write(Level::warning, text, place);
  }
  template <typename Text>
  void info(Text text, Place place = Place::here()) const {
    write(Level::info, text, place);
  }
  template <typename Text>
  void debug(Text text, Place place = Place::here()) const {
    write(Level::debug, text, place);
  }
  template <typename Text>
  void log(Text text, Place place = Place::here()) const {
    write(Level::log, text, place);
  }
  template <typename Text>
  void trace(Text text, Place place = Place::here()) const {
    write(Level::trace, text, place);
  }

 private:
  template <typename Text>
  void write(Level level, Text& text, const Place& place) const {
    if (const Sink* sink = sink_for(category_, level)) {
      sink->write(category_, level, place, id_, text());
    }
  }

  const Category category_;
  const std::string id_;
};

}  // namespace genpro::log
