// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The calls for content resources. Nothing here is charged. Belongs to the runtime thread.
#pragma once

#include <string>
#include <vector>

#include "api/client.h"
#include "api/resources/resource.h"
#include "api/resources/upload.h"

namespace genpro::api {

// Which resources a list has; empty and 0: all, the first page.
struct ResourceFilter {
  std::string type;  // image, video, audio, zip or safe_tensors
  std::vector<std::string> ids;
  unsigned page = 0;  // of 20, the newest first; one behind the last has none
};

// One call at a time, as of a Client: none retries, `done` is called once and never from within the
// call. A call may begin in the `done` of another one.
class ResourceClient : private Client {
 public:
  using ResourceDone = std::function<void(Result<Resource, Failure>)>;
  using ListDone = std::function<void(Result<std::vector<Resource>, Failure>)>;

  using Client::cancel;
  using Client::Client;

  // Makes a resource of a file by a form.
  void create(const Upload& upload, const std::string& agent_id, ResourceDone done);
  // Of a file that is too large for that: says that it comes, then makes a resource of what was put
  // there (put_file()).
  void announce(const Upload& upload, std::function<void(Result<DirectUpload, Failure>)> done);
  void create_from(const std::string& signed_id, const std::string& name,
                   const std::string& agent_id, ResourceDone done);
  void get(const std::string& id, const std::string& agent_id, ResourceDone done);
  void list(const ResourceFilter& filter, const std::string& agent_id, ListDone done);
  // The answer need not have a body.
  void remove(const std::string& id, const std::string& agent_id,
              std::function<void(Result<std::monostate, Failure>)> done);

 private:
  std::shared_ptr<Call> make_call(const char* method, const std::string& what);
};

// Whether the API itself says that there is no such resource, and not something before it.
bool is_gone(const Failure& failure);

}  // namespace genpro::api
