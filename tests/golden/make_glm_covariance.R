# Golden numbers for covariances after iterated least squares: Poisson regression with dummies, and
# weighted least squares with dummies, by sandwich and clubSandwich. The data are made from row
# numbers alone (see tests/covariance/test_iterated_fits.py), so any machine has them.
#
# Usage: Rscript make_glm_covariance.R [output directory]

suppressMessages({library(sandwich); library(clubSandwich)})
options(digits = 15, warn = 1)
out <- commandArgs(TRUE)
out <- if (length(out)) out[1] else "."
i <- 0:95
d <- data.frame(y = (7 * i + i %/% 5) %% 9, x = ((5 * i) %% 11) / 4 + (i %% 8) / 8,
                z = ((3 * i + i %/% 7) %% 13) / 6, region = factor(i %/% 16), club = factor(i %/% 4),
                other = factor(i %% 8), w = 0.5 + ((3 * i + i %/% 7) %% 5) / 2)
num <- function(x) paste0("[", paste(sprintf("%.15g", as.numeric(x)), collapse = ", "), "]")
lower <- function(V) unlist(lapply(seq_len(nrow(V)), function(r) V[r, seq_len(r)]))
con <- file(file.path(out, "glm_covariance.toml"), "w")
w <- function(...) writeLines(paste0(...), con)
w("# Made by make_glm_covariance.R; lower triangles of the slopes' block, 15 significant digits.\n[meta]")
w('software = "', R.version.string, "; sandwich ", packageVersion("sandwich"), "; clubSandwich ", packageVersion("clubSandwich"), '"')
w('formula = "y ~ x + z + region"\ndigits = 15')
tight <- glm.control(epsilon = 1e-14, maxit = 100)
models <- list(poisson = glm(y ~ x + z + region, poisson, d, control = tight),
               wls = lm(y ~ x + z + region, d, weights = w))
for (name in names(models)) {
  fit <- models[[name]]
  keep <- c("x", "z")
  cov <- list()
  for (type in c("HC0", "HC2", "HC3", "HC4")) cov[[paste0("sandwich.vcovHC.", type)]] <- vcovHC(fit, type = type)
  for (g in c("region", "club", "other")) for (kind in c("CR0", "CR2", "CR3")) {
    if (g == "region" && kind == "CR3") next  # (I - H)_gg has no inverse with the dummies of g
    cov[[paste0("clubSandwich.", kind, ".", g)]] <- as.matrix(
      if (name == "wls") vcovCR(fit, cluster = d[[g]], type = kind, inverse_var = TRUE)
      else vcovCR(fit, cluster = d[[g]], type = kind))
  }
  w('\n[', name, ']\ncoef = ', num(coef(fit)[keep]))
  w('[', name, '.cov]')
  for (key in names(cov)) w('"', key, '" = ', num(lower(cov[[key]][keep, keep])))
}
close(con)
