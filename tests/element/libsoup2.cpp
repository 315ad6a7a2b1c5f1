// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What libsoup 3 knows libsoup 2 by, under its name.
extern "C" __attribute__((visibility("default"))) void soup_uri_new() {}
