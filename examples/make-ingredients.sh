#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes three ingredients to try things with: photo.jpg, logo.png (transparent) and clip.mp4.
#
#   examples/make-ingredients.sh FOLDER
set -eu

folder=${1:?Give the folder to write to.}
mkdir -p "$folder"

# draw NAME ENCODER FILE: renders NAME.svg in the folder.
draw() {
  gst-launch-1.0 -q filesrc location="$folder/$1.svg" ! rsvgdec ! videoconvert ! $2 ! \
    filesink location="$folder/$3"
  rm "$folder/$1.svg"
}

cat >"$folder/photo.svg" <<'SVG'
<svg xmlns="http://www.w3.org/2000/svg" width="1920" height="1280" viewBox="0 0 1920 1280">
  <defs>
    <linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
      <stop offset="0" stop-color="#1d2b53"/><stop offset=".45" stop-color="#7b4b94"/>
      <stop offset=".75" stop-color="#f08a5d"/><stop offset="1" stop-color="#ffd28f"/>
    </linearGradient>
    <radialGradient id="sun"><stop offset="0" stop-color="#fffbe6"/>
      <stop offset=".35" stop-color="#ffe3a3" stop-opacity=".9"/>
      <stop offset="1" stop-color="#ffb26b" stop-opacity="0"/></radialGradient>
    <linearGradient id="lake" x1="0" y1="0" x2="0" y2="1">
      <stop offset="0" stop-color="#e8a36f"/><stop offset="1" stop-color="#2a2547"/>
    </linearGradient>
    <filter id="soft"><feGaussianBlur stdDeviation="3"/></filter>
    <filter id="grain"><feTurbulence type="fractalNoise" baseFrequency=".8" numOctaves="2"/>
      <feColorMatrix values="0 0 0 0 .5  0 0 0 0 .5  0 0 0 0 .5  0 0 0 .16 0"/></filter>
  </defs>
  <rect width="1920" height="1280" fill="url(#sky)"/>
  <circle cx="1240" cy="640" r="420" fill="url(#sun)"/>
  <path filter="url(#soft)" fill="#6a4a7c" d="M0 760 L210 590 L360 680 L600 430 L760 600 L930 520
    L1120 690 L1330 560 L1540 700 L1730 600 L1920 720 V900 H0Z"/>
  <path fill="#3f2f5b" d="M0 830 L260 700 L470 790 L690 650 L980 800 L1260 700 L1500 810 L1700 730
    L1920 820 V960 H0Z"/>
  <rect y="900" width="1920" height="380" fill="url(#lake)"/>
  <g fill="#fff3cf" opacity=".5" filter="url(#soft)">
    <ellipse cx="1240" cy="930" rx="190" ry="5"/><ellipse cx="1250" cy="972" rx="150" ry="6"/>
    <ellipse cx="1230" cy="1024" rx="118" ry="7"/><ellipse cx="1246" cy="1092" rx="90" ry="8"/>
  </g>
  <path fill="#1b1733" d="M0 1000 Q260 930 470 1040 T980 1150 Q700 1240 560 1280 H0Z"/>
  <g fill="#14112b"><path d="M170 1010 l50 -190 l50 190z"/><path d="M260 1030 l38 -150 l38 150z"/>
    <path d="M70 1010 l44 -160 l44 160z"/></g>
  <rect width="1920" height="1280" filter="url(#grain)"/>
</svg>
SVG
draw photo "jpegenc quality=92" photo.jpg

cat >"$folder/logo.svg" <<'SVG'
<svg xmlns="http://www.w3.org/2000/svg" width="480" height="200" viewBox="0 0 480 200">
  <rect x="10" y="10" width="460" height="180" rx="90" fill="#10b981"/>
  <path d="M76 60 v80 l68 -40z" fill="#fff"/>
  <text x="176" y="126" font-family="DejaVu Sans" font-weight="bold" font-size="72"
    fill="#fff">GEN</text>
</svg>
SVG
draw logo pngenc logo.png

# A boat on the waves, drawn frame by frame, and the wind.
mkdir "$folder/frames"
awk -v folder="$folder/frames" 'BEGIN {
  for (frame = 0; frame < 75; ++frame) {
    file = sprintf("%s/%03d.svg", folder, frame)
    t = frame / 25
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1280\" height=\"720\">" \
      "<defs><linearGradient id=\"sky\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"1\">" \
      "<stop offset=\"0\" stop-color=\"#7dd3fc\"/><stop offset=\"1\" stop-color=\"#fef3c7\"/>" \
      "</linearGradient></defs><rect width=\"1280\" height=\"720\" fill=\"url(#sky)\"/>" \
      "<circle cx=\"980\" cy=\"190\" r=\"76\" fill=\"#fde68a\"/>" > file
    for (wave = 0; wave < 4; ++wave) {
      level = 430 + wave * 62
      if (wave == 2) {
        x = 330 + 90 * t
        y = level - 6 + 12 * sin(2.4 * t)
        printf "<g transform=\"translate(%.1f %.1f) rotate(%.1f)\">", x, y, 5 * sin(2.4 * t + 1) > file
        print "<path d=\"M-110 0 H110 L74 46 H-74Z\" fill=\"#7c2d12\"/>" \
          "<path d=\"M0 -8 V-210 L104 -8Z\" fill=\"#fff7ed\"/>" \
          "<path d=\"M-10 -8 V-160 L-78 -8Z\" fill=\"#ef4444\"/></g>" > file
      }
      printf "<path fill=\"#%s\" d=\"M0 720", substr("38bdf80ea5e90284c7075985", wave * 6 + 1, 6) > file
      for (x = 0; x <= 1280; x += 16) {
        y = level + (14 + 3 * wave) * sin(x / (88 + 22 * wave) + t * (1.6 + wave * 0.5) + wave)
        printf " L%d %.1f", x, y > file
      }
      print " V720Z\"/>" > file
    }
    print "</svg>" > file
    close(file)
  }
}'
gst-launch-1.0 -q \
  multifilesrc location="$folder/frames/%03d.svg" caps="image/svg+xml,framerate=25/1" ! \
  rsvgdec ! queue ! videoconvert ! x264enc speed-preset=veryfast key-int-max=25 ! h264parse ! \
  queue ! mux. \
  audiotestsrc num-buffers=129 samplesperbuffer=1024 wave=pink-noise volume=0.05 ! \
  audio/x-raw,rate=44100,channels=2 ! avenc_aac ! aacparse ! queue ! mux. \
  mp4mux name=mux ! filesink location="$folder/clip.mp4"
rm -r "$folder/frames"
