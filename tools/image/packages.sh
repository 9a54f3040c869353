#!/bin/sh
# Installs Debian packages and keeps no lists: packages.sh NAME...
set -eu
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
rm -rf /var/lib/apt/lists/* /var/cache/apt/*
