# Golden numbers for panel unit-root, dependence and causality tests: plm.
#
# Usage: MIGDEV_DATA=... Rscript make_unit_roots.R [output directory]
# Writes unit_roots.toml. Each test: [statistic, p-value or -1].
# The unbalanced sample drops the first (2 i) mod 5 years of firm i (i from zero): no gaps inside.

suppressMessages(library(plm))
options(digits = 15, warn = 1)
dir <- file.path(Sys.getenv("MIGDEV_DATA"), "benchmarks")
out <- commandArgs(TRUE); out <- if (length(out)) out[1] else "."
con <- file(file.path(out, "unit_roots.toml"), "w")
w <- function(...) writeLines(paste0(...), con)
sha <- function(f) strsplit(system2("sha256sum", shQuote(file.path(dir, f)), stdout = TRUE), " ")[[1]][1]
w("# Made by make_unit_roots.R; 15 significant digits.")
w("[meta]"); w('software = "', R.version.string, "; plm ", packageVersion("plm"), '"'); w("[meta.sha256]")
for (f in c("grunfeld.csv", "munnell_produc.csv")) w('"', f, '" = "', sha(f), '"')
put <- function(key, t) {
  h <- if (inherits(t, "purtest")) t$statistic else t
  p <- h$p.value; if (is.null(p) || is.na(p)) p <- -1
  w('"', key, '" = [', sprintf("%.15g", as.numeric(h$statistic)), ", ", sprintf("%.15g", as.numeric(p)), "]")
}
quiet <- function(e) suppressWarnings(e)
g <- read.csv(file.path(dir, "grunfeld.csv"))
i <- as.integer(factor(g$firm)) - 1
u <- g[g$year - 1935 >= (2 * i) %% 5, ]
for (sample in c("balanced", "unbalanced")) {
  d <- pdata.frame(if (sample == "balanced") g else u, index = c("firm", "year"))
  for (v in c("inv", "value", "capital")) {
    w('\n["', sample, ".", v, '"]')
    x <- d[[v]]
    for (exo in c("intercept", "trend")) for (lags in list(0, 1, 2, "AIC", "SIC", "Hall")) for (df in c(TRUE, FALSE)) {
      tag <- paste(exo, lags, if (df) "dfcor" else "plain", sep = ".")
      run <- function(test, ...) quiet(purtest(x, test = test, exo = exo, lags = lags, pmax = 3, dfcor = df, p.approx = "MacKinnon1994", ...))
      put(paste("ips", tag, sep = "."), run("ips"))
      for (test in c("madwu", "Pm", "invnormal", "logit")) put(paste(test, tag, sep = "."), run(test))
      if (sample == "balanced" && !df) put(paste("llc", tag, sep = "."), run("levinlin"))
    }
    own <- rep_len(c(0, 2, 1, 3), nlevels(attr(d, "index")[[1]]))
    for (exo in c("intercept", "trend")) {
      run <- function(test, ...) quiet(purtest(x, test = test, exo = exo, lags = own, p.approx = "MacKinnon1994", ...))
      put(paste("own", "ips", exo, sep = "."), run("ips", dfcor = TRUE))
      put(paste("own", "madwu", exo, sep = "."), run("madwu", dfcor = TRUE))
    }
    for (df in c(TRUE, FALSE)) put(paste("zbar", if (df) "dfcor" else "plain", sep = "."), quiet(purtest(x, test = "ips", exo = "intercept", lags = 0, ips.stat = "Ztbar", dfcor = df, p.approx = "MacKinnon1994")))
    if (sample == "balanced") {
      for (lags in 0:2) put(paste("llc.none", lags, "plain", sep = "."), quiet(purtest(x, test = "levinlin", exo = "none", lags = lags, dfcor = FALSE, p.approx = "MacKinnon1994")))
      put("tbar.intercept", quiet(purtest(x, test = "ips", exo = "intercept", lags = 0, ips.stat = "tbar", dfcor = TRUE, p.approx = "MacKinnon1994")))
      for (exo in c("intercept", "trend")) for (H in c(TRUE, FALSE)) for (df in c(TRUE, FALSE))
        put(paste("hadri", exo, if (H) "het" else "hom", if (df) "dfcor" else "plain", sep = "."), quiet(purtest(x, test = "hadri", exo = exo, Hcons = H, dfcor = df)))
    }
    for (type in c("trend", "drift", "none")) for (lags in 1:2) for (tr in c(FALSE, TRUE))
      put(paste("cips", type, lags, if (tr) "truncated" else "full", sep = "."), tryCatch(quiet(cipstest(x, lags = lags, type = type, truncated = tr)), error = function(e) list(statistic = NaN, p.value = -1)))
    for (test in c("cd", "lm", "sclm")) put(paste("pcd", test, sep = "."), quiet(pcdtest(x, test = test)))
  }
  w('\n["', sample, '.residuals"]')
  for (test in c("cd", "lm", "sclm")) put(paste("pooling", test, sep = "."), quiet(pcdtest(inv ~ value + capital, data = d, model = "pooling", test = test)))
  for (test in c("cd", "lm", "sclm")) put(paste("mg", test, sep = "."), quiet(pcdtest(inv ~ value + capital, data = d, test = test)))
  if (sample == "balanced") put("within.bcsclm", quiet(pcdtest(inv ~ value + capital, data = d, model = "within", effect = "individual", test = "bcsclm")))
  w('\n["', sample, '.causality"]')
  for (f in c("inv ~ value", "value ~ inv", "inv ~ capital")) for (o in 1:2) for (test in c("Ztilde", "Zbar", "Wbar"))
    if (!(sample == "unbalanced" && test == "Zbar")) put(paste(f, o, test, sep = "."), quiet(pgrangertest(as.formula(f), data = d, order = o, test = test)))
}
close(con)
