#!/bin/sh
# Writes gretl_dpanel.toml beside this script. Needs gretlcli and MIGDEV_DATA.
here=$(cd "$(dirname "$0")" && pwd)
{
  echo '# gretl dpanel on the Arellano-Bond employment data; made by make_gretl_dpanel.sh'
  echo '[meta]'
  echo "software = \"$(gretlcli --version | head -1)\""
  echo 'call = "make_gretl_dpanel.inp"'
  echo 'data = "benchmarks/empl_uk.csv"'
  echo "sha256 = \"$(sha256sum "$MIGDEV_DATA/benchmarks/empl_uk.csv" | cut -d' ' -f1)\""
  echo 'printed = "14 significant digits"'
  gretlcli -b "$here/make_gretl_dpanel.inp" | sed -n '/^BEGIN/,/^END/p' | grep -v -E '^(BEGIN|END)$'
} > "$here/gretl_dpanel.toml"
