// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <libsoup/soup.h>

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/glib_ptr.h"

namespace genpro::http {

// How servers are reached, the same for the API and for clips.
struct Network {
  // [http://][user:password@]host:port, or of SOCKS. Empty: as the environment or the desktop says.
  std::string proxy;
  // Certificates of the authorities that are trusted, PEM. Empty: the system's.
  std::string ca_file;
  // The application's, which is asked for a client's certificate.
  ObjectPtr<GTlsInteraction> tls_interaction;

  auto operator<=>(const Network&) const = default;
};

// What is wrong with it, as far as it can be told without using it: ErrorKind::settings.
std::optional<Error> check_network(const Network& network);

// Of a ca-file; null with what is wrong with it.
ObjectPtr<GTlsDatabase> read_authorities(const std::string& file, ErrorPtr* error);

// A proxy's address, with a scheme where it has none.
std::string proxy_address(std::string_view proxy);
// What may be shown of it, whatever it is.
std::string without_login(std::string_view proxy);
// The network's proxy, else that of the environment, for https. May be empty.
std::string effective_proxy(const Network& network);

// What ends a request before a byte of it is sent, and what to do; both sentences' parts.
struct Obstacle {
  std::string reason;  // "its certificate expired on 2026-01-31"
  std::string advice;  // a sentence
};
// Why a server's certificate is not accepted.
Obstacle describe_distrust(GTlsCertificate* certificate, GTlsCertificateFlags errors,
                           std::string_view host, const Network& network);
// What a proxy answered instead of making a connection.
Obstacle describe_proxy_answer(unsigned status, const Network& network);

// Whether a body begins as HTML does: a network that wants a sign-in first answers with such a page
// in every server's place.
bool is_web_page(std::string_view body);

}  // namespace genpro::http
