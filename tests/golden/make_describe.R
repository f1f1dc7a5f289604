# Golden numbers for Panel.describe(): balance measures of plm, and the spread between and within.
#
# Usage: MIGDEV_DATA=... Rscript make_describe.R > describe.toml
suppressMessages(library(plm))
options(digits = 15)
path <- file.path(Sys.getenv("MIGDEV_DATA"), "benchmarks", "empl_uk.csv")
d <- read.csv(path)
sha <- strsplit(system2("sha256sum", path, stdout = TRUE), " ")[[1]][1]
cat("[meta]\n")
cat(sprintf('software = "R %s.%s, plm %s"\n', R.version$major, R.version$minor, packageVersion("plm")))
cat(sprintf('data = "benchmarks/empl_uk.csv"\nsha256 = "%s"\nprinted = "15 significant digits"\n', sha))
cat('call = "punbalancedness(d, index = c(\\"firm\\", \\"year\\")); sd of firm means; sd of deviations"\n')
u <- punbalancedness(d, index = c("firm", "year"))
cat(sprintf("\n[balance]\ngamma = %.15g\nnu = %.15g\n", u[["gamma"]], u[["nu"]]))
for (v in c("emp", "wage", "capital", "output")) {
  m <- ave(d[[v]], d$firm)
  cat(sprintf("\n[%s]\nmean = %.15g\nsd = %.15g\nsd_between = %.15g\nsd_within = %.15g\n", v,
    mean(d[[v]]), sd(d[[v]]), sd(tapply(d[[v]], d$firm, mean)), sd(d[[v]] - m)))
}
