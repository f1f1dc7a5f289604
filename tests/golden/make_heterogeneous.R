# Golden numbers for mean-group, CCE and random-coefficient estimators: plm, MASS.
#
# Usage: MIGDEV_DATA=... Rscript make_heterogeneous.R [output directory]
# Writes heterogeneous.toml. The gappy samples drop rows by the rule `gaps` of make_plm.R.
# Covariances are lower triangles by rows.

suppressMessages({library(plm); library(MASS)})
options(digits = 15, warn = 1)
dir <- file.path(Sys.getenv("MIGDEV_DATA"), "benchmarks")
out <- commandArgs(TRUE); out <- if (length(out)) out[1] else "."
gaps <- function(n, T) {
  i <- seq_len(n) - 1; e <- i %/% T; t <- i %% T
  !(e > 0 & ((3 * e + 5 * t) %% 11 == 0 | (e %% 4 == 2 & t < 3) | (e %% 5 == 3 & t >= T - 2)))
}
num <- function(x) paste0("[", paste(sprintf("%.15g", as.numeric(x)), collapse = ", "), "]")
str <- function(x) paste0("[", paste0('"', x, '"', collapse = ", "), "]")
lower <- function(V) unlist(lapply(seq_len(nrow(V)), function(i) V[i, seq_len(i)]))
con <- file(file.path(out, "heterogeneous.toml"), "w")
w <- function(...) writeLines(paste0(...), con)
sha <- function(f) strsplit(system2("sha256sum", shQuote(file.path(dir, f)), stdout = TRUE), " ")[[1]][1]
w("# Made by make_heterogeneous.R; 15 significant digits.")
w("[meta]")
w('software = "', R.version.string, "; plm ", packageVersion("plm"), "; MASS ", packageVersion("MASS"), '"')
w("[meta.sha256]")
for (f in c("grunfeld.csv", "munnell_produc.csv")) w('"', f, '" = "', sha(f), '"')
emit <- function(tag, fit) {
  nm <- sub("(Intercept)", "Intercept", names(coef(fit)), fixed = TRUE)
  w('\n["', tag, '"]'); w("names = ", str(nm)); w("coef = ", num(coef(fit))); w("cov = ", num(lower(as.matrix(vcov(fit)))))
  if (!is.null(fit$indcoef)) { w("first_entity = ", num(fit$indcoef[, 1])); w("last_entity = ", num(fit$indcoef[, ncol(fit$indcoef)])) }
  if (inherits(fit, "pcce")) w("r2 = ", sprintf("%.15g", as.numeric(fit$r.squared)))
  w("resid = ", num(c(residuals(fit)[1:3], sum(residuals(fit)^2))))
}
run <- function(tag, f, d) {
  for (m in c("mg", "cmg", "dmg")) for (tr in c(FALSE, TRUE))
    emit(paste0(tag, ".pmg.", m, if (tr) ".trend"), pmg(f, data = d, index = c("id", "time"), model = m, trend = tr))
  for (m in c("mg", "p")) for (tr in c(FALSE, TRUE))
    emit(paste0(tag, ".pcce.", m, if (tr) ".trend"), pcce(f, data = d, index = c("id", "time"), model = m, trend = tr))
  p <- pcce(f, data = d, index = c("id", "time"), model = "p")
  w('\n["', tag, '.pcce.p.cov"]')
  w("arellano = ", num(lower(vcovHC(p, type = "HC0"))))
  w("scc2 = ", num(lower(vcovSCC(p, type = "HC0", maxlag = 2))))
  emit(paste0(tag, ".pvcm"), pvcm(f, data = d, index = c("id", "time"), model = "random"))
  fit <- pmg(f, data = d, index = c("id", "time"), model = "mg")
  for (kind in c("huber", "bisquare")) {
    w('\n["', tag, ".rlm.", kind, '"]')
    v <- apply(fit$indcoef, 1, function(b) {
      h <- rlm(b ~ 1, psi = psi.huber, maxit = 1000, acc = 1e-13)
      if (kind == "bisquare") h <- rlm(b ~ 1, psi = psi.bisquare, init = coef(h), maxit = 1000, acc = 1e-13)
      c(coef(h), summary(h)$coefficients[1, 2])
    })
    w("coef = ", num(v[1, ])); w("std_errors = ", num(v[2, ]))
  }
}
g <- read.csv(file.path(dir, "grunfeld.csv"))
g <- data.frame(id = g$firm, time = g$year, g[c("inv", "value", "capital")])
run("grunfeld", inv ~ value + capital, g)
run("grunfeld_gaps", inv ~ value + capital, g[gaps(nrow(g), 20), ])
p <- read.csv(file.path(dir, "munnell_produc.csv"))
p <- data.frame(id = as.integer(factor(p$state)), time = p$year, lgsp = log(p$gsp), lpcap = log(p$pcap), lpc = log(p$pc), lemp = log(p$emp), unemp = p$unemp)
run("produc", lgsp ~ lpcap + lpc + lemp + unemp, p)
close(con)
