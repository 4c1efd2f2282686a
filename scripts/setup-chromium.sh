#!/usr/bin/env bash
# Installs Debian's Chromium for the tests of the server's page, where it is missing and this may be done without
# asking. Fails never: without a browser those tests are skipped, and say so.
set -uo pipefail

for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  exit 0
fi
printf '\033[1m==> %s\033[0m\n' "installing chromium" >&2
{
  apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core
} >/dev/null 2>&1 || printf '\033[1m==> %s\033[0m\n' "chromium cannot be installed" >&2
exit 0
