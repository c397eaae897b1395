#!/bin/sh
# Makes the streams of this folder anew (xz 5.4, bzip2 1.0): each holds the numbers 1 to 3000, one a line.
set -eu
cd "$(dirname "$0")"
seq 1 3000 > plain
for check in none crc32 crc64 sha256; do xz -c --check=$check plain > $check.xz; done
xz -c --check=sha256 --block-size=1000 -T1 plain > blocks.xz
xz -c --check=crc64 --block-size=4000 -T2 plain > sized-blocks.xz
xz -c --check=crc32 plain plain > two-streams.xz
xz -c --x86 --lzma2=preset=6 plain > x86.xz
xz -c --delta=dist=1 --lzma2=preset=6 plain > delta.xz
xz -c --lzma2=preset=6,dict=96MiB plain > large-dictionary.xz
xz -c --format=lzma plain > end-marker.lzma
xz -c --format=lzma --lzma1=lc=0,lp=2,pb=0,dict=4KiB plain > odd-properties.lzma
bzip2 -c -1 plain > blocks1.bz2
bzip2 -c -9 plain > blocks9.bz2
head -c 300000 /dev/zero | bzip2 -c -1 > zeros.bz2
rm plain
