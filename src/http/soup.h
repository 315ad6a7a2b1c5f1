// SPDX-License-Identifier: LGPL-2.1-or-later
//
// libsoup, as far as it is used, loaded when the first request leaves. Nothing links it: a process
// that uses libsoup 2 is ended by libsoup 3, and a plugin is also loaded to be looked at.
#pragma once

#include <libsoup/soup.h>

#include <optional>

#include "http/network.h"

namespace genpro::soup {

// What keeps libsoup from being used in this process; nothing: it is loaded. To be asked before the
// functions below are called.
std::optional<http::Obstacle> load();

#define GENPRO_SOUP_FUNCTIONS(FUNCTION)                        \
  FUNCTION(auth_manager_get_type)                              \
  FUNCTION(content_decoder_get_type)                           \
  FUNCTION(cookie_jar_add_cookie)                              \
  FUNCTION(cookie_jar_get_cookies)                             \
  FUNCTION(cookie_jar_new)                                     \
  FUNCTION(cookies_from_response)                              \
  FUNCTION(date_time_new_from_http_string)                     \
  FUNCTION(message_add_flags)                                  \
  FUNCTION(message_get_method)                                 \
  FUNCTION(message_get_metrics)                                \
  FUNCTION(message_get_request_headers)                        \
  FUNCTION(message_get_response_headers)                       \
  FUNCTION(message_get_status)                                 \
  FUNCTION(message_get_uri)                                    \
  FUNCTION(message_headers_get_content_length)                 \
  FUNCTION(message_headers_get_encoding)                       \
  FUNCTION(message_headers_get_list)                           \
  FUNCTION(message_headers_get_one)                            \
  FUNCTION(message_headers_replace)                            \
  FUNCTION(message_metrics_get_response_header_bytes_received) \
  FUNCTION(message_new_from_uri)                               \
  FUNCTION(message_set_flags)                                  \
  FUNCTION(message_set_request_body)                           \
  FUNCTION(message_set_request_body_from_bytes)                \
  FUNCTION(session_abort)                                      \
  FUNCTION(session_error_quark)                                \
  FUNCTION(session_new_with_options)                           \
  FUNCTION(session_remove_feature_by_type)                     \
  FUNCTION(session_send)                                       \
  FUNCTION(session_send_async)                                 \
  FUNCTION(session_send_finish)                                \
  FUNCTION(session_set_proxy_resolver)                         \
  FUNCTION(session_set_timeout)                                \
  FUNCTION(session_set_tls_database)                           \
  FUNCTION(session_set_tls_interaction)

// soup::message_get_status is soup_message_get_status, and so on.
#define GENPRO_SOUP_DECLARE(name) inline decltype(&::soup_##name) name = nullptr;
GENPRO_SOUP_FUNCTIONS(GENPRO_SOUP_DECLARE)
#undef GENPRO_SOUP_DECLARE

}  // namespace genpro::soup
