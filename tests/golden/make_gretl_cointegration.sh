#!/bin/sh
# Writes gretl_cointegration.toml beside this script. Needs gretlcli and MIGDEV_DATA.
here=$(cd "$(dirname "$0")" && pwd)
{
  echo '# gretl coint2 and coint on the Danish money data; made by make_gretl_cointegration.sh'
  echo '[meta]'
  echo "software = \"$(gretlcli --version | head -1)\""
  echo 'call = "make_gretl_cointegration.inp"'
  echo 'data = "benchmarks/urca_denmark.csv"'
  echo "sha256 = \"$(sha256sum "$MIGDEV_DATA/benchmarks/urca_denmark.csv" | cut -d' ' -f1)\""
  echo 'printed = "5 significant digits of statistics, 4 decimals of p-values"'
  gretlcli -b "$here/make_gretl_cointegration.inp" | tr -d '[]' | awk '
    function list(name, v) { printf "%s = [%s, %s, %s, %s]\n", name, v[0], v[1], v[2], v[3] }
    /^BEGIN/ { printf "\n[%s]\n", $2 }
    /^Rank Eigenvalue/ { rows = 4; n = 0; next }
    rows > 0 && NF == 6 {
      trace[n] = $3; trace_p[n] = $4; largest[n] = $5; max_p[n] = $6; n++; rows--
      if (!rows) {
        list("trace", trace); list("trace_p", trace_p); list("max", largest); list("max_p", max_p)
      }
    }
    /test statistic: tau/ { print "t = " $NF }
    /asymptotic p-value/ { print "p_value = " $NF }'
} > "$here/gretl_cointegration.toml"
