# Golden numbers for estimated fixed effects: plm::fixef, and lm() with dummies.
#
# Usage: MIGDEV_DATA=... Rscript make_fixef.R > fixef.toml
#
# Grunfeld (10 firms, 20 years), whole and without the rows of `gaps` (see make_plm.R). `entity`,
# `time`: fixef(type = "dmean") of the two-way within model, effects less their plain mean;
# `one_way`: fixef(type = "level"). plm 2.6-2 refuses two-way effects of unbalanced panels, so
# there `sums` holds the sums of firm and year effect by row from lm() with dummies.

suppressMessages(library(plm))
options(digits = 15, warn = 1)
file <- file.path(Sys.getenv("MIGDEV_DATA"), "benchmarks", "grunfeld.csv")
d <- read.csv(file)
d <- d[order(d$firm, d$year), ]
num <- function(x) paste0("[", paste(sprintf("%.15g", as.numeric(x)), collapse = ", "), "]")
w <- function(...) cat(..., "\n", sep = "")
gaps <- function(n, T) {
  i <- seq_len(n) - 1
  e <- i %/% T
  t <- i %% T
  !(e > 0 & ((3 * e + 5 * t) %% 11 == 0 | (e %% 4 == 2 & t < 3) | (e %% 5 == 3 & t >= T - 2)))
}

w("[meta]")
w('software = "', R.version.string, ", plm ", as.character(packageVersion("plm")), '"')
w('call = "plm(inv ~ value + capital, model = \\"within\\", effect = ...)"')
w('data = "benchmarks/grunfeld.csv"')
w('sha256 = "', strsplit(system(paste("sha256sum", shQuote(file)), intern = TRUE), " ")[[1]][1], '"')

for (sample in c("whole", "gaps")) {
  s <- if (sample == "whole") d else d[gaps(nrow(d), 20), ]
  p <- pdata.frame(s, index = c("firm", "year"))
  w("\n[", sample, "]")
  one <- plm(inv ~ value + capital, p, model = "within")
  level <- fixef(one, type = "level")
  w("firms = [", paste0('"', names(level), '"', collapse = ", "), "]")
  w("one_way = ", num(level))
  two <- lm(inv ~ value + capital + factor(firm) + factor(year), s)
  w("coef = ", num(coef(two)[c("value", "capital")]))
  w("sums = ", num(fitted(two) - as.matrix(s[, c("value", "capital")]) %*% coef(two)[c("value", "capital")]))
  if (sample == "whole") {
    both <- plm(inv ~ value + capital, p, model = "within", effect = "twoways")
    w("entity = ", num(fixef(both, effect = "individual", type = "dmean")))
    w("time = ", num(fixef(both, effect = "time", type = "dmean")))
  }
}
