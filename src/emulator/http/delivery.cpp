// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/http/delivery.h"

#include <algorithm>
#include <utility>

namespace genpro::emulator {

namespace {

constexpr double tick = 0.05;  // seconds

}  // namespace

DisturbedBody::DisturbedBody(SoupServerMessage* message, GBytes* bytes,
                             std::optional<std::uint64_t> cut_after,
                             std::optional<double> bytes_per_second, std::function<void()> cut)
    : message_(message),
      bytes_(g_bytes_ref(bytes)),
      end_(g_bytes_get_size(bytes)),
      rate_(bytes_per_second.value_or(0)),
      started_at_(g_get_monotonic_time()) {
  if (cut_after && *cut_after < end_) {
    end_ = static_cast<std::size_t>(*cut_after);
    cut_ = std::move(cut);
  }
  g_signal_connect(message_, "finished", G_CALLBACK(&DisturbedBody::on_gone), this);
  g_signal_connect(message_, "disconnected", G_CALLBACK(&DisturbedBody::on_gone), this);
  if (rate_ > 0) {
    timer_.start(tick, [this] { append_due(); });
  } else {
    append(end_);
  }
}

DisturbedBody::~DisturbedBody() {
  g_signal_handlers_disconnect_by_data(message_, this);
}

// A message without a connection must not be resumed.
void DisturbedBody::on_gone(SoupServerMessage*, gpointer data) {
  static_cast<DisturbedBody*>(data)->timer_.cancel();
}

void DisturbedBody::append_due() {
  const double elapsed = static_cast<double>(g_get_monotonic_time() - started_at_) / 1e6;
  const double due = std::min(elapsed * rate_, static_cast<double>(end_));
  const auto wanted = static_cast<std::size_t>(due);
  const bool resume = wanted > appended_;
  if (resume) append(wanted - appended_);
  if (appended_ < end_) timer_.start(tick, [this] { append_due(); });
  // The library has paused the message when it ran out of bytes.
  if (resume) soup_server_message_unpause(message_);
}

void DisturbedBody::append(std::size_t size) {
  SoupMessageBody* body = soup_server_message_get_response_body(message_);
  const BytesPtr part(g_bytes_new_from_bytes(bytes_.get(), appended_, size));
  soup_message_body_append_bytes(body, part.get());
  appended_ += size;
  if (appended_ == end_ && !cut_) soup_message_body_complete(body);
}

void DisturbedBody::written(std::size_t size) {
  written_ += size;
  if (!cut_ || written_ < end_) return;
  // Not from here: the library is in the middle of writing. A copy, as the end of the connection is
  // the end of this object.
  timer_.start(0, [cut = cut_] { cut(); });
}

struct SilentConnections::Held {
  SilentConnections* owner;
  ObjectPtr<GIOStream> stream;
  AttachedSource source;

  Held(SilentConnections* its_owner, ObjectPtr<GIOStream> its_stream)
      : owner(its_owner), stream(std::move(its_stream)) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() { g_io_stream_close(stream.get(), nullptr, nullptr); }
};

SilentConnections::SilentConnections() = default;
SilentConnections::~SilentConnections() = default;

void SilentConnections::hold(ObjectPtr<GIOStream> connection) {
  if (!connection) return;
  // The library has wrapped the connection of the socket into a stream of its own.
  GIOStream* inner = nullptr;
  g_object_get(connection.get(), "base-iostream", &inner, nullptr);
  const auto base = ObjectPtr<GIOStream>::adopt(inner);
  if (!base || !G_IS_SOCKET_CONNECTION(base.get())) return;
  GSocket* socket = g_socket_connection_get_socket(G_SOCKET_CONNECTION(base.get()));
  Held& held = *held_.emplace_back(std::make_unique<Held>(this, std::move(connection)));
  GSource* source =
      g_socket_create_source(socket, static_cast<GIOCondition>(G_IO_IN | G_IO_HUP), nullptr);
  g_source_set_callback(source, G_SOURCE_FUNC(&SilentConnections::on_ready), &held, nullptr);
  held.source = AttachedSource(source);
}

gboolean SilentConnections::on_ready(GSocket* socket, GIOCondition, gpointer data) {
  auto* held = static_cast<Held*>(data);
  char ignored[4096];
  ErrorPtr error;
  const gssize got =
      g_socket_receive_with_blocking(socket, ignored, sizeof ignored, FALSE, nullptr, error.out());
  if (got > 0 || error.matches(G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) return G_SOURCE_CONTINUE;
  held->owner->held_.remove_if([held](const auto& one) { return one.get() == held; });
  return G_SOURCE_REMOVE;
}

}  // namespace genpro::emulator
