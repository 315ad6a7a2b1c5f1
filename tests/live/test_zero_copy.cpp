// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Frames that a clip's decoder leaves in the memory of a device, such as a GPU.
#include <gst/allocators/gstdmabuf.h>
#include <gst/base/gstbasetransform.h>
#include <gst/video/gstvideometa.h>
#include <gst/video/gstvideopool.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "live/live_fixture.h"

namespace genpro::test {
namespace {

// Copies frames into memory of a device, with strides as it has them, where what follows takes it;
// passes them else.
struct Uploader {
  GstBaseTransform parent;
};
struct UploaderClass {
  GstBaseTransformClass parent_class;
};
G_DEFINE_TYPE(Uploader, uploader, GST_TYPE_BASE_TRANSFORM)

constexpr guint device_padding = 64;  // bytes of a line
// Whether its caps tell of a device; else it copies all, without padding.
std::atomic<bool> names_device = true;

bool is_of_device(const GstCaps* caps) {
  return gst_caps_features_contains(gst_caps_get_features(caps, 0),
                                    GST_CAPS_FEATURE_MEMORY_DMABUF) != FALSE;
}

GstCaps* other_caps(GstBaseTransform*, GstPadDirection direction, GstCaps* caps, GstCaps* filter) {
  CapsPtr result(gst_caps_copy(caps));
  for (guint index = 0; index < gst_caps_get_size(result.get()); ++index)
    gst_caps_set_features(result.get(), index, nullptr);
  if (direction == GST_PAD_SINK && names_device) {
    CapsPtr device(gst_caps_copy(result.get()));
    gst_caps_set_features_simple(device.get(),
                                 gst_caps_features_new(GST_CAPS_FEATURE_MEMORY_DMABUF, nullptr));
    gst_caps_append(device.get(), result.release());
    result = std::move(device);
  }
  if (filter == nullptr) return result.release();
  return gst_caps_intersect_full(filter, result.get(), GST_CAPS_INTERSECT_FIRST);
}

gboolean set_caps(GstBaseTransform* transform, GstCaps*, GstCaps* out) {
  gst_base_transform_set_passthrough(transform, names_device && !is_of_device(out));
  return TRUE;
}

GstFlowReturn new_output(GstBaseTransform* transform, GstBuffer* input, GstBuffer** output) {
  *output = input;
  if (gst_base_transform_is_passthrough(transform)) return GST_FLOW_OK;
  const CapsPtr caps(gst_pad_get_current_caps(GST_BASE_TRANSFORM_SRC_PAD(transform)));
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, caps.get())) return GST_FLOW_ERROR;
  GstVideoAlignment alignment;
  gst_video_alignment_reset(&alignment);
  alignment.padding_right = names_device ? device_padding : 0;
  gst_video_info_align(&info, &alignment);
  const int fd = memfd_create("frame", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(info.size)) != 0) return GST_FLOW_ERROR;
  const auto allocator = ObjectPtr<GstAllocator>::adopt(gst_dmabuf_allocator_new());
  *output = gst_buffer_new();
  gst_buffer_append_memory(*output, gst_dmabuf_allocator_alloc(allocator.get(), fd, info.size));
  gst_buffer_add_video_meta_full(*output, GST_VIDEO_FRAME_FLAG_NONE, info.finfo->format,
                                 static_cast<guint>(info.width), static_cast<guint>(info.height),
                                 info.finfo->n_planes, info.offset, info.stride);
  GST_BASE_TRANSFORM_CLASS(uploader_parent_class)->copy_metadata(transform, input, *output);
  return GST_FLOW_OK;
}

GstFlowReturn copy(GstBaseTransform* transform, GstBuffer* input, GstBuffer* output) {
  const CapsPtr caps(gst_pad_get_current_caps(GST_BASE_TRANSFORM_SRC_PAD(transform)));
  GstVideoInfo info;
  GstVideoFrame from;
  GstVideoFrame to;
  if (!gst_video_info_from_caps(&info, caps.get()) ||
      !gst_video_frame_map(&from, &info, input, GST_MAP_READ)) {
    return GST_FLOW_ERROR;
  }
  const bool is_mapped = gst_video_frame_map(&to, &info, output, GST_MAP_WRITE);
  if (is_mapped) {
    gst_video_frame_copy(&to, &from);
    gst_video_frame_unmap(&to);
  }
  gst_video_frame_unmap(&from);
  return is_mapped ? GST_FLOW_OK : GST_FLOW_ERROR;
}

void uploader_class_init(UploaderClass* uploader_class) {
  GstElementClass* element_class = GST_ELEMENT_CLASS(uploader_class);
  gst_element_class_set_static_metadata(element_class, "Test uploader", "Filter/Video",
                                        "Copies frames into a device", "The gst-genpro developers");
  add_pad_template(element_class, "sink", GST_PAD_SINK, "video/x-raw");
  add_pad_template(element_class, "src", GST_PAD_SRC, "video/x-raw(memory:DMABuf); video/x-raw");
  GstBaseTransformClass* transform_class = GST_BASE_TRANSFORM_CLASS(uploader_class);
  transform_class->transform_caps = other_caps;
  transform_class->set_caps = set_caps;
  transform_class->prepare_output_buffer = new_output;
  transform_class->transform = copy;
}

void uploader_init(Uploader*) {}

// A decoder of a device, which is used while it lives.
struct DeviceDecoder {
  GstBin parent;
};
struct DeviceDecoderClass {
  GstBinClass parent_class;
};
G_DEFINE_TYPE(DeviceDecoder, device_decoder, GST_TYPE_BIN)

void device_decoder_class_init(DeviceDecoderClass* decoder_class) {
  GstElementClass* element_class = GST_ELEMENT_CLASS(decoder_class);
  gst_element_class_set_static_metadata(element_class, "Test decoder", "Codec/Decoder/Video",
                                        "Decodes into a device", "The gst-genpro developers");
  add_pad_template(element_class, "sink", GST_PAD_SINK, "video/x-h264");
  add_pad_template(element_class, "src", GST_PAD_SRC, "video/x-raw(memory:DMABuf); video/x-raw");
}

void device_decoder_init(DeviceDecoder* self) {
  GstElement* decoder = gst_element_factory_make("avdec_h264", nullptr);
  auto* uploader = GST_ELEMENT(g_object_new(uploader_get_type(), nullptr));
  gst_bin_add_many(GST_BIN(self), decoder, uploader, nullptr);
  gst_element_link(decoder, uploader);
  const PadPtr sink = PadPtr::adopt(gst_element_get_static_pad(decoder, "sink"));
  const PadPtr source = PadPtr::adopt(gst_element_get_static_pad(uploader, "src"));
  gst_element_add_pad(GST_ELEMENT(self), gst_ghost_pad_new("sink", sink.get()));
  gst_element_add_pad(GST_ELEMENT(self), gst_ghost_pad_new("src", source.get()));
}

class Devices : public testing::Test {
 protected:
  Devices() {
    static const bool registered = gst_element_register(nullptr, "genprodevicedecoder",
                                                        GST_RANK_NONE, device_decoder_get_type());
    EXPECT_TRUE(registered);
    set_rank(GST_RANK_PRIMARY + 200);
    service.set_clip(clip_of({.frames = 30}));
  }
  ~Devices() override {
    set_rank(GST_RANK_NONE);
    names_device = true;
  }

  static void set_rank(guint rank) {
    const auto factory =
        ObjectPtr<GstElementFactory>::adopt(gst_element_factory_find("genprodevicedecoder"));
    gst_plugin_feature_set_rank(GST_PLUGIN_FEATURE(factory.get()), rank);
  }

  LiveService service;
};

const std::string either_memory =
    "\"video/x-raw(memory:DMABuf),format=I420; " + std::string(small_raster) + "\"";

bool is_in_device(const Shown& shown) {
  return gst_is_dmabuf_memory(gst_buffer_peek_memory(shown.buffer.get(), 0)) != FALSE;
}

// How many of the clip's pictures are as its decoder left them.
std::ptrdiff_t in_device(const Pictures& pictures) {
  return std::ranges::count_if(pictures, is_in_device);
}

TEST_F(Devices, KeepFramesThatNeedNotBeRead) {
  Studio studio(live_bin(service), either_memory);
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  ASSERT_TRUE(studio.wait_for_placeholder());
  const CapsPtr after = studio.video().caps();
  EXPECT_FALSE(is_of_device(after.get())) << "the placeholder is drawn";
  studio.stop();
  const Pictures pictures = studio.video().pictures();
  expect_whole(pictures, 1, 30);
  expect_gapless(pictures);
  EXPECT_EQ(in_device(part_of(pictures, 1)), std::ssize(part_of(pictures, 1)));
  EXPECT_EQ(in_device(pictures), std::ssize(part_of(pictures, 1)));
  studio.expect_quiet();
}

TEST_F(Devices, AreLeftByClipsThatFade) {
  Studio studio(live_bin(service, {{"fade", "200"}}), either_memory);
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  studio.stop();
  EXPECT_EQ(in_device(studio.video().pictures()), 0);
  EXPECT_FALSE(part_of(studio.video().pictures(), 1).empty());
  studio.expect_quiet();
}

// One that has begun already is read.
TEST_F(Devices, GiveWhatIsMixedWithOther) {
  service.set_clip(clip_of({.frames = 90}));
  Studio studio(live_bin(service), either_memory);
  studio.play();
  ASSERT_TRUE(studio.wait_for_picture({1, 3}));
  g_object_set(studio.bin(), "fade", 200U, nullptr);
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  ASSERT_TRUE(studio.wait_for_placeholder());
  studio.stop();
  const Pictures pictures = studio.video().pictures();
  expect_gapless(pictures);
  const auto last = std::find_if(pictures.rbegin(), pictures.rend(), is_in_device);
  ASSERT_NE(last, pictures.rend());
  ASSERT_NE(last, pictures.rbegin());
  EXPECT_GT(std::prev(last)->brightness(), 20) << "it is seen in the fade";
  studio.expect_quiet();
}

TEST_F(Devices, AreLeftWhereWhatFollowsReadsNone) {
  Studio studio(live_bin(service), small_raster);
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  studio.stop();
  expect_whole(studio.video().pictures(), 1, 30);
  EXPECT_EQ(in_device(studio.video().pictures()), 0);
  studio.expect_quiet();
}

TEST_F(Devices, AreLeftByAClipOfAnotherSize) {
  Studio studio(live_bin(service),
                "\"video/x-raw(memory:DMABuf); video/x-raw,format=I420,width=384,height=216\"");
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  studio.stop();
  expect_whole(studio.video().pictures(), 1, 30);
  EXPECT_EQ(in_device(studio.video().pictures()), 0);
  studio.expect_quiet();
}

// As those of V4L2 do. What follows offers memory of its own.
TEST_F(Devices, MayNotBeToldByCaps) {
  names_device = false;
  Studio studio(live_bin(service), small_raster);
  const PadPtr source = PadPtr::adopt(gst_element_get_static_pad(studio.bin(), "video"));
  const PadPtr sink = PadPtr::adopt(gst_pad_get_peer(source.get()));
  gst_pad_add_probe(
      sink.get(), GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo* info, gpointer) {
        GstQuery* query = GST_PAD_PROBE_INFO_QUERY(info);
        if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION) return GST_PAD_PROBE_OK;
        const auto pool = ObjectPtr<GstBufferPool>::adopt(gst_video_buffer_pool_new());
        gst_query_add_allocation_pool(query, pool.get(), 192 * 108 * 3 / 2, 0, 0);
        return GST_PAD_PROBE_HANDLED;
      },
      nullptr, nullptr);
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  studio.stop();
  const Pictures part = part_of(studio.video().pictures(), 1);
  expect_whole(part, 1, 30);
  EXPECT_EQ(in_device(part), std::ssize(part));
  studio.expect_quiet();
}

// With frames on their way and one on air.
TEST_F(Devices, AreReadWhenWhatFollowsChanges) {
  Studio studio(live_bin(service, {{"at-end", "hold"}}), either_memory);
  studio.play();
  ASSERT_TRUE(studio.wait_for_picture({1, 3}));
  const ElementPtr filter =
      ElementPtr::adopt(gst_bin_get_by_name(GST_BIN(studio.pipeline()), "video"));
  const CapsPtr plain(gst_caps_from_string(small_raster));
  g_object_set(filter.get(), "caps", plain.get(), nullptr);
  ASSERT_TRUE(studio.wait_for_picture({1, 29}));
  ASSERT_TRUE(studio.video().wait_for_next([](const Shown& shown) {
    return shown.mark == Mark{1, 29} && !is_in_device(shown);
  }));
  const CapsPtr device(
      gst_caps_from_string("video/x-raw(memory:DMABuf); video/x-raw,width=192,height=108"));
  g_object_set(filter.get(), "caps", device.get(), nullptr);
  EXPECT_TRUE(studio.video().wait_for_next([](const Shown& shown) {
    return shown.mark == Mark{1, 29} && is_in_device(shown);
  }));
  studio.stop();
  expect_whole(studio.video().pictures(), 1, 30);
  studio.expect_quiet();
}

}  // namespace
}  // namespace genpro::test
