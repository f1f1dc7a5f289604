# Golden numbers of multiple breaks, from strucchange.
#   MACRODATA=$(python -c "import os, statsmodels.datasets.macrodata as m; print(os.path.dirname(m.__file__))")/macrodata.csv \
#     Rscript tests/golden/make_breaks.R > tests/golden/breaks.toml
# The Nile comes with R (and with statsmodels); macrodata.csv with statsmodels.
suppressMessages({library(strucchange); library(sandwich)})
path <- Sys.getenv("MACRODATA")
d <- read.csv(path)
num <- function(x) paste0("[", paste(sprintf("%.14g", x), collapse = ", "), "]")
cat("[source]\n")
cat(sprintf('software = "R %s, strucchange %s, sandwich %s"\n', getRversion(),
            packageVersion("strucchange"), packageVersion("sandwich")))
cat('call = "breakpoints(formula, h, breaks = 5); Fstats(from = h); confint(vcov. = vcovHC, type HC0)"\n')
cat('data = "datasets::Nile; statsmodels macrodata.csv"\n')
cat(sprintf('sha256 = "%s"\n', strsplit(system2("sha256sum", path, stdout = TRUE), " ")[[1]][1]))
cat('printed = "14 significant digits"\n')

one <- function(name, formula, data, h, number) {
  bp <- breakpoints(formula, data = data, h = h, breaks = 5)
  table <- summary(bp)$RSS
  cat(sprintf("\n[%s]\nh = %.2f\nnumber = %d\n", name, h, number))
  cat("rss =", num(table["RSS", ]), "\nbic =", num(table["BIC", ]), "\n")
  for (m in 1:5) cat(sprintf("dates_%d = %s\n", m, num(breakpoints(bp, breaks = m)$breakpoints)))
  T <- nrow(data)
  cat("sup_f =", sprintf("%.14g", max(Fstats(formula, data = data, from = floor(h * T),
                                             to = T - floor(h * T))$Fstats)), "\n")
  white <- function(x, ...) vcovHC(x, type = "HC0", ...)
  for (kind in c("regime", "common", "white")) {
    ci <- confint(bp, breaks = number, het.err = kind != "common",
                  vcov. = if (kind == "white") white else NULL)$confint
    cat(sprintf("%s = [%s]\n", kind, paste(apply(ci[, c(1, 3), drop = FALSE], 1, num), collapse = ", ")))
  }
  fm <- breakfactor(bp, breaks = number)
  parts <- lapply(levels(fm), function(f) lm(formula, data = data[fm == f, , drop = FALSE]))
  cat("params = [", paste(sapply(parts, function(p) num(coef(p))), collapse = ", "), "]\n", sep = "")
  cat("white_errors = [", paste(sapply(parts, function(p) num(sqrt(diag(white(p))))), collapse = ", "),
      "]\n", sep = "")
}
one("nile", y ~ 1, data.frame(y = as.numeric(Nile)), 0.15, 1)
one("interest", realint ~ 1, d, 0.15, 2)
# Not unemp: where a segment starts with two equal values, breakpoints() loses a recursive residual.
one("inflation", infl ~ tbilrate, d, 0.10, 3)
d$t <- seq_len(nrow(d))
one("output", log(realgdp) ~ t, d, 0.15, 2)
