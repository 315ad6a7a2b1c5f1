// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The files in page/, as they were when this was built.
#pragma once

#include <string_view>
#include <vector>

namespace genpro::emulator {

struct PageAsset {
  std::string_view name;
  const char* content_type;
  std::string_view content;
};

const std::vector<PageAsset>& page_assets();

}  // namespace genpro::emulator
