// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a render of a cell is made of: the media of its layers.
#pragma once

#include <string>
#include <vector>

#include "emulator/store/folders.h"
#include "emulator/store/store.h"

namespace genpro::emulator {

struct LayerMedia {
  std::string path;
  std::string content_type;
  std::string file_name;  // for messages: the layer's
};

// Of the cell's layers by their positions, of which the first one lies below the others: the newest
// clip that was generated for it, else the content resource that its attributes name
// (content_resource_id, or the first of asset_resource_ids). Throws ApiError 422
// when a layer has neither, there are none, or more than eight.
std::vector<LayerMedia> media_of_layers(Store& store, const Folders& folders,
                                        const std::string& sheet, const std::string& cell);

// What a clip of the kind ends in: ".mp4", with alpha ".mov".
const char* extension_of(Kind kind);

}  // namespace genpro::emulator
