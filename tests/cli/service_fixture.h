// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The built program against a service that counts what it charges.
#pragma once

#include <memory>

#include "cli/cli_fixture.h"
#include "support/child.h"
#include "support/paid_service.h"

namespace genpro::test {

class ServiceCliTest : public CliTest {
 protected:
  static constexpr const char* key = "test_key_4711";

  // `genpro COMMAND …` with what a request needs: the API, its ids and the ledger of this test.
  std::vector<std::string> with_settings(const std::vector<std::string>& arguments) const;
  // A process that may be killed; its clock of the boot goes faster.
  std::unique_ptr<Child> start(const std::vector<std::string>& arguments);
  // Runs to its end.
  Finished run(const std::vector<std::string>& arguments);
  std::string file(const std::string& name) const { return folder_.file(name); }
  // Standard output of a run, parsed, whatever the exit code.
  api::JsonNodePtr document_of(const std::vector<std::string>& arguments);

  // A file that begins as an MP4 does.
  static std::string tiny_clip();

  Environment environment() const;

  PaidService service_{tiny_clip()};

 private:
  TemporaryFolder folder_;
  int children_ = 0;
};

}  // namespace genpro::test
