# Golden numbers for covariances of two-stage least squares: AER::ivreg with sandwich and
# clubSandwich, on the Munnell data.
#
# Usage: MIGDEV_DATA=... Rscript make_iv_covariance.R [output directory]
# Keys and triangles as in make_plm.R; model names "iv.none", "iv.individual" (state dummies, the
# slopes' block) and "iv.weighted" (weights by row number).

suppressMessages({library(AER); library(sandwich); library(clubSandwich)})
options(digits = 15, warn = 1)
file <- file.path(Sys.getenv("MIGDEV_DATA"), "benchmarks", "munnell_produc.csv")
out <- commandArgs(TRUE)
out <- if (length(out)) out[1] else "."
p <- read.csv(file)
i <- seq_len(nrow(p)) - 1
d <- data.frame(id = factor(p$state), time = factor(p$year), lgsp = log(p$gsp), lpcap = log(p$pcap),
                lpc = log(p$pc), lemp = log(p$emp), unemp = p$unemp, lhwy = log(p$hwy), w = 0.5 + ((3 * i + i %/% 7) %% 5) / 2)

num <- function(x) paste0("[", paste(sprintf("%.15g", as.numeric(x)), collapse = ", "), "]")
lower <- function(V) unlist(lapply(seq_len(nrow(V)), function(r) V[r, seq_len(r)]))
con <- file(file.path(out, "iv_covariance.toml"), "w")
w <- function(...) writeLines(paste0(...), con)
sha <- strsplit(system2("sha256sum", shQuote(file), stdout = TRUE), " ")[[1]][1]
w("# Made by make_iv_covariance.R; lower triangles, 15 significant digits.\n[meta]")
w('software = "', R.version.string, "; AER ", packageVersion("AER"), "; sandwich ", packageVersion("sandwich"), "; clubSandwich ", packageVersion("clubSandwich"), '"')
w('data = "benchmarks/munnell_produc.csv"\nsha256 = "', sha, '"')
w('formula = "lgsp ~ lpc + lemp | lpc + unemp + lhwy"\ndigits = 15')

models <- list(
  iv.none = ivreg(lgsp ~ lpc + lemp | lpc + unemp + lhwy, data = d),
  iv.individual = ivreg(lgsp ~ lpc + lemp + id | lpc + unemp + lhwy + id, data = d),
  iv.weighted = ivreg(lgsp ~ lpc + lemp | lpc + unemp + lhwy, data = d, weights = w))
for (name in names(models)) {
  fit <- models[[name]]
  keep <- if (name == "iv.individual") c("lpc", "lemp") else names(coef(fit))
  cov <- list("ivreg.vcov" = vcov(fit))
  for (type in c("HC0", "HC1")) cov[[paste0("sandwich.vcovHC.", type)]] <- vcovHC(fit, type = type)
  for (g in c("group", "time")) {
    cl <- if (g == "group") d$id else d$time
    for (type in c("HC0", "HC1")) cov[[paste0("sandwich.vcovCL.", type, ".", g)]] <- vcovCL(fit, cluster = cl, type = type)
    for (kind in c("CR0", "CR1", "CR2", "CR3")) {
      if (name == "iv.individual" && (kind == "CR3" || g == "group" && kind == "CR2")) next
      cov[[paste0("clubSandwich.", kind, ".", g)]] <- tryCatch(as.matrix(vcovCR(fit, cluster = cl, type = kind)), error = function(e) NULL)
    }
  }
  w('\n["', name, '"]\nnames = [', paste0('"', sub("(Intercept)", "Intercept", keep, fixed = TRUE), '"', collapse = ", "), "]")
  w("coef = ", num(coef(fit)[keep]))
  w("nobs = ", nobs(fit), "\ndf_residual = ", df.residual(fit))
  w('["', name, '".cov]')
  for (key in names(cov)) if (!is.null(cov[[key]])) w('"', key, '" = ', num(lower(cov[[key]][keep, keep])))
}
close(con)
