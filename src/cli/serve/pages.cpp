// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/serve/pages.h"

#include "cli/ledger/describe.h"
#include "cli/when.h"

namespace genpro::cli {

namespace {

constexpr std::size_t longest_title = 100;

std::string escaped(const std::string& text) {
  return take_string(g_markup_escape_text(text.data(), static_cast<gssize>(text.size())));
}

std::string link(const std::string& path, const std::string& text) {
  return "<a href=\"" + escaped(path) + "\">" + escaped(text) + "</a>";
}

std::string title_of(const ledger::Entry& entry) {
  return text_or_dash(prompt_of(entry), longest_title);
}

std::string recipe_path(const std::string& name) {
  return "/recipe/" + take_string(g_uri_escape_string(name.c_str(), nullptr, FALSE)) + ".mp4";
}

std::string generation_path(const std::string& id) {
  return "/generation/" + id + ".mp4";
}

}  // namespace

Response list_page(const std::vector<std::string>& recipes,
                   const std::vector<ledger::Entry>& generations) {
  Response response;
  response.content_type = "text/html; charset=utf-8";
  // No script, and no frame of another page in which a click could be led astray.
  response.headers = {
      {"Content-Security-Policy",
       "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
       "frame-ancestors 'none'"}};
  std::string& text = response.text;
  text =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>genpro</title>\n"
      "<style>body{font:16px sans-serif;margin:2em}td,th{padding:.2em 1em .2em 0;text-align:left}"
      "</style></head>\n<body><h1>Clips</h1>\n<p>" +
      link("/playlist.m3u", "Playlist") + "</p>\n";
  if (!recipes.empty()) {
    text +=
        "<h2>Recipes</h2>\n<p>The first time one is opened its generation is asked for, which is "
        "charged.</p>\n<ul>\n";
    for (const std::string& name : recipes) {
      text += "<li>" + link(recipe_path(name), printable(name)) + "</li>\n";
    }
    text += "</ul>\n";
  }
  text += "<h2>Finished generations</h2>\n";
  if (generations.empty()) text += "<p>There are none yet.</p>\n";
  if (!generations.empty()) {
    text += "<table>\n<tr><th>Generation</th><th>Asked for</th><th>Cost</th><th>Prompt</th></tr>\n";
    for (const ledger::Entry& entry : generations) {
      const std::string id = payment::generation_id(entry.state);
      text += "<tr><td>" + link(generation_path(id), id) + "</td><td>" +
              escaped(time_text(entry.created_at)) + "</td><td>" + escaped(cost_text(entry.cost)) +
              "</td><td>" + escaped(title_of(entry)) + "</td></tr>\n";
    }
    text += "</table>\n";
  }
  text += "</body></html>\n";
  return response;
}

Response playlist(const std::vector<std::string>& recipes,
                  const std::vector<ledger::Entry>& generations, const std::string& origin) {
  Response response;
  response.content_type = "audio/x-mpegurl; charset=utf-8";
  const auto add = [&](const std::string& title, const std::string& path) {
    response.text += "#EXTINF:-1," + title + "\n" + origin + path + "\n";
  };
  response.text = "#EXTM3U\n";
  for (const std::string& name : recipes) add(printable(name), recipe_path(name));
  for (const ledger::Entry& entry : generations) {
    add(title_of(entry), generation_path(payment::generation_id(entry.state)));
  }
  return response;
}

}  // namespace genpro::cli
