// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/identity/fingerprint.h"

#include "base/glib_ptr.h"

namespace genpro::ledger {

std::string fingerprint(const std::vector<std::string>& parts) {
  const Owned<GChecksum, g_checksum_free> checksum(g_checksum_new(G_CHECKSUM_SHA256));
  for (const std::string& part : parts) {
    const std::string head = std::to_string(part.size()) + ":";
    for (const std::string& text : {head, part}) {
      g_checksum_update(checksum.get(), reinterpret_cast<const guchar*>(text.data()),
                        static_cast<gssize>(text.size()));
    }
  }
  return g_checksum_get_string(checksum.get());
}

}  // namespace genpro::ledger
