# Golden numbers for Johansen's tests: urca::ca.jo.
#
# Usage: MIGDEV_DATA=... Rscript make_urca_johansen.R > urca_johansen.toml
#
# Statistics by rank under the null, from 0. urca's ecdet "none" holds an unrestricted constant.

suppressMessages(library(urca))
file <- file.path(Sys.getenv("MIGDEV_DATA"), "benchmarks", c("urca_denmark.csv", "grunfeld.csv"))
hash <- sapply(file, function(f) strsplit(system(paste("sha256sum", shQuote(f)), intern = TRUE), " ")[[1]][1])
num <- function(x) paste0("[", paste(sprintf("%.15g", as.numeric(x)), collapse = ", "), "]")
w <- function(...) cat(..., "\n", sep = "")

w("[meta]")
w('software = "', R.version.string, ", urca ", as.character(packageVersion("urca")), '"')
w('call = "ca.jo(x, type, ecdet, K = lags + 1, spec = \'transitory\')"')
w('data = ["benchmarks/urca_denmark.csv", "benchmarks/grunfeld.csv"]')
w('sha256 = ["', hash[1], '", "', hash[2], '"]')

statistics <- function(x, ...) {
  for (type in c("trace", "eigen"))
    w(c(trace = "trace", eigen = "max")[type], " = ", num(rev(ca.jo(x, type = type, spec = "transitory", ...)@teststat)))
}
cases <- c(rconstant = "const", constant = "none", rtrend = "trend")
d <- read.csv(file[1])[, c("LRM", "LRY", "IBO", "IDE")]
for (case in names(cases)) for (lags in 1:3) {
  w("\n[denmark.", case, ".lags", lags, "]")
  statistics(d, ecdet = cases[case], K = lags + 1)
}
w("\n[denmark.seasonal]  # rconstant, one lag, quarterly dummies: Johansen and Juselius (1990)")
statistics(d, ecdet = "const", K = 2, season = 4)
g <- read.csv(file[2])
for (firm in unique(g$firm)) {
  w("\n[grunfeld.", firm, "]  # rconstant, one lag")
  statistics(g[g$firm == firm, c("inv", "value", "capital")], ecdet = "const", K = 2)
}
