#!/bin/bash
# Builds the Dockerfile's root file system without Docker, prints its size, starts it as the Dockerfile does (another user, a
# read-only root) and cuts one picture out: sudo tools/image/measure.sh [FOLDER]. Needs debootstrap and unshare.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-$(mktemp -d)}
base=$folder/base root=$folder/root
mkdir -p "$folder"
if [ ! -d "$base" ]; then
  debootstrap --variant=minbase trixie "$base" >/dev/null
  # As debian:trixie-slim leaves them out.
  rm -rf "$base"/usr/share/{doc,man,info,locale,lintian}/* "$base"/var/cache/apt/* "$base"/var/lib/apt/lists/*
fi
rm -rf "$root" "$folder/build"
cp -a "$base" "$folder/build"
cp -a "$base" "$root"
cp /etc/resolv.conf "$folder/build/etc/"
cp /etc/resolv.conf "$root/etc/"
mkdir "$folder/build/src"
# The same choice as .dockerignore, of committed files.
git -C "$source" archive HEAD pyproject.toml requirements.txt README.md template.yaml functions layers endpoint localcloud tools/image |
  tar -x --exclude=layers/model/training -C "$folder/build/src"
chroot "$folder/build" /src/tools/image/packages.sh python3 python3-venv ca-certificates >/dev/null 2>&1
# A network with authorities of its own, behind a proxy say, needs this machine's list of them.
authorities=/etc/ssl/certs/ca-certificates.crt
cp "$authorities" "$folder/build$authorities"
chroot "$folder/build" env SSL_CERT_FILE="$authorities" PIP_CERT="$authorities" /src/tools/image/environment.sh /src /opt/cutline
cp "$source/tools/image/packages.sh" "$root/tmp/"
chroot "$root" /tmp/packages.sh python3 >/dev/null 2>&1
rm "$root/tmp/packages.sh"
cp -a "$folder/build/opt/cutline" "$root/opt/"
mkdir -p "$root/pictures"
echo "base $(du -sm --apparent-size "$base" | cut -f1) MB, image $(du -sm --apparent-size "$root" | cut -f1) MB"
cp "$source/functions/site/static/mug.jpg" "$folder/photo.jpg"
export folder root
unshare --mount --pid --fork --kill-child bash -euc '
  mount --bind "$root" "$root"
  mount -o remount,bind,ro "$root"
  mount -t tmpfs tmpfs "$root/tmp"
  mount -t proc proc "$root/proc"
  mount --bind /dev "$root/dev"
  cp "$folder/photo.jpg" "$root/tmp/"
  inside() { chroot --userspec=65532:65532 "$root" env -i PATH=/opt/cutline/bin:/usr/bin:/bin HOME=/tmp \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ORT_DISABLE_TELEMETRY=1 "$@"; }
  begun=$(date +%s%N)
  inside cutline cut /tmp/photo.jpg --out /tmp/cut.png
  echo "cutline cut: $((($(date +%s%N) - begun) / 1000000)) ms, $(stat -c %s "$root/tmp/cut.png") bytes"
  begun=$(date +%s%N)
  inside cutline serve --host 0.0.0.0 --port 0 --state /tmp/cutline > "$folder/serve.log" 2>&1 &
  until grep -q "^Ready: " "$folder/serve.log"; do kill -0 $! 2>/dev/null || { cat "$folder/serve.log"; exit 1; }; sleep .2; done
  echo "cutline serve ready: $((($(date +%s%N) - begun) / 1000000)) ms"
  url=$(sed -n "s/^Ready: //p" "$folder/serve.log")
  curl -sf "$url/v1.0/removebg" -H "X-Api-Key: demo-key" -F image_file=@"$folder/photo.jpg" -o "$folder/cut.png"
  echo "one call: $(stat -c %s "$folder/cut.png") bytes"
'
