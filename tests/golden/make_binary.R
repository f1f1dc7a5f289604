# Golden numbers for binary and fractional outcomes: glm, sandwich, clubSandwich.
#
# Usage: MIGDEV_DATA=... Rscript make_binary.R > binary.toml
#
# [logit], [probit], [cloglog]: ind ~ ed + exp + wks on wages_psid.csv. Covariances, lower
# triangles by rows: `cov` is vcov (expected information), `robust` HC0, `cluster` CR0 by person
# times G/(G-1), `weighted` CR0 of a fit with weights ed (and its coefficients). `cr2` of the
# logit is clubSandwich's, with `cr2_df` Satterthwaite's degrees of freedom.
# [fractional]: probability of prison on crime_nc.csv, quasibinomial.

suppressMessages({library(sandwich); library(clubSandwich)})
files <- file.path(Sys.getenv("MIGDEV_DATA"), "benchmarks", c("wages_psid.csv", "crime_nc.csv"))
hash <- sapply(files, function(f) strsplit(system(paste("sha256sum", shQuote(f)), intern = TRUE), " ")[[1]][1])
num <- function(x) paste0("[", paste(sprintf("%.15g", as.numeric(x)), collapse = ", "), "]")
low <- function(V) num(t(V)[upper.tri(V, diag = TRUE)])
w <- function(...) cat(..., "\n", sep = "")
tight <- glm.control(epsilon = 1e-14, maxit = 100)
# Where glm stops by its deviance, coefficients of probit and cloglog are good to eight digits, and
# working weights are those of the step before the last. Eight more steps leave nothing to gain.
again <- function(m) {
  for (step in 1:8) m <- suppressWarnings(update(m, start = coef(m)))
  m
}

w("[meta]")
w('software = "', R.version.string, ", sandwich ", as.character(packageVersion("sandwich")),
  ", clubSandwich ", as.character(packageVersion("clubSandwich")), '"')
w('data = ["benchmarks/wages_psid.csv", "benchmarks/crime_nc.csv"]')
w('sha256 = ["', hash[1], '", "', hash[2], '"]')

d <- read.csv(files[1])
d$id <- factor(rep(1:595, each = 7))
for (link in c("logit", "probit", "cloglog")) {
  m <- again(glm(ind ~ ed + exp + wks, binomial(link), d, control = tight))
  w("\n[", link, "]")
  w("params = ", num(coef(m)))
  w("log_likelihood = ", sprintf("%.15g", as.numeric(logLik(m))))
  w("aic = ", sprintf("%.15g", AIC(m)))
  w("bic = ", sprintf("%.15g", BIC(m)))
  w("lr = ", sprintf("%.15g", m$null.deviance - m$deviance))
  w("cov = ", low(vcov(m)))
  w("robust = ", low(vcovHC(m, "HC0")))
  w("cluster = ", low(vcovCL(m, d$id, type = "HC0", cadjust = TRUE)))
  v <- suppressWarnings(glm(ind ~ ed + exp + wks, binomial(link), d, weights = ed, control = tight))
  v <- again(v)
  w("weighted_params = ", num(coef(v)))
  w("weighted = ", low(vcovCL(v, d$id, type = "HC0", cadjust = FALSE)))
  if (link == "logit") {
    V <- vcovCR(m, d$id, "CR2")
    w("cr2 = ", low(as.matrix(V)))
    w("cr2_df = ", num(coef_test(m, V, "Satterthwaite")$df_Satt))
  }
}

d <- read.csv(files[2])
m <- again(glm(prbpris ~ density + avgsen + taxpc, quasibinomial, d, control = tight))
w("\n[fractional]")
w("params = ", num(coef(m)))
w("cov = ", low(vcov(m)))
w("robust = ", low(vcovHC(m, "HC0")))
