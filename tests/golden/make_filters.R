# Golden numbers for trend-cycle filters: mFilter; the one-sided HP and Hamilton's by lm.
#
# Usage: MIGDEV_DATA=... Rscript make_filters.R > filters.toml
#
# Cycles of 100 log(realgdp), 1959Q1-2009Q3; missing values as nan. The one-sided HP cycle is the
# last value of the two-sided one, solved by its normal equations, on the sample up to each quarter.

suppressMessages(library(mFilter))
file <- file.path(Sys.getenv("MIGDEV_DATA"), "benchmarks", "us_macrodata_quarterly.csv")
x <- 100 * log(read.csv(file)$realgdp)
n <- length(x)
num <- function(x) paste0("[", paste(ifelse(is.na(x), "nan", sprintf("%.12g", as.numeric(x))), collapse = ", "), "]")
w <- function(...) cat(..., "\n", sep = "")
w("[meta]")
w('software = "', R.version.string, ", mFilter ", as.character(packageVersion("mFilter")), '"')
w('data = "benchmarks/us_macrodata_quarterly.csv"')
w('sha256 = "', strsplit(system(paste("sha256sum", shQuote(file)), intern = TRUE), " ")[[1]][1], '"')
w("\n[cycle]")
w("hp = ", num(hpfilter(x, freq = 1600, type = "lambda")$cycle))
last <- function(t) {
  D <- diff(diag(t), differences = 2)
  x[t] - solve(diag(t) + 1600 * crossprod(D), x[1:t])[t]
}
one <- sapply(1:n, function(t) if (t < 3) NA else last(t))
w("hp_one_sided = ", num(one))
w("bk = ", num(bkfilter(x, pl = 6, pu = 32, nfix = 12, drift = FALSE)$cycle))
w("cf = ", num(cffilter(x, pl = 6, pu = 32, root = TRUE, drift = TRUE, type = "asymmetric")$cycle))
h <- 8; p <- 4
Z <- embed(x, h + p)  # column 1 is t + h
w("hamilton = ", num(c(rep(NA, h + p - 1), resid(lm(Z[, 1] ~ Z[, (h + 1):(h + p)])))))
