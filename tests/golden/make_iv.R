# Golden numbers for instrumental variables: AER::ivreg with sandwich and clubSandwich, plm.
#
# Usage: MIGDEV_DATA=... Rscript make_iv.R > iv.toml
#
# Data: benchmarks/crime_nc.csv, whole and with gaps by index arithmetic (`gaps`, the rule of
# make_plm.R). Entries are ["SUBSET.MODEL"]: `one` and `two` have one and two endogenous regressors,
# `entity` and `twoways` add dummies of counties (and years), `weighted` has weights 1 + row %% 3.
# Covariances are lower triangles by rows, of the coefficients in `names`, 15 significant digits.

suppressMessages({library(AER); library(sandwich); library(clubSandwich); library(plm)})
options(digits = 15, warn = 1)
file <- file.path(Sys.getenv("MIGDEV_DATA"), "benchmarks", "crime_nc.csv")
d <- read.csv(file)
d <- d[order(d$county, d$year), ]

gaps <- function(n, T) {
  i <- seq_len(n) - 1
  e <- i %/% T
  t <- i %% T
  !(e > 0 & ((3 * e + 5 * t) %% 11 == 0 | (e %% 4 == 2 & t < 3) | (e %% 5 == 3 & t >= T - 2)))
}

toml <- function(x) sub("NaN|NA", "nan", sub("Inf", "inf", sprintf("%.15g", as.numeric(x))))
num <- function(x) paste0("[", paste(toml(x), collapse = ", "), "]")
str <- function(x) paste0("[", paste0('"', x, '"', collapse = ", "), "]")
lower <- function(V) unlist(lapply(seq_len(nrow(V)), function(i) V[i, seq_len(i)]))
quiet <- function(expr) suppressWarnings(tryCatch(expr, error = function(e) NULL))
w <- function(...) cat(..., "\n", sep = "")

w("# Made by make_iv.R; lower triangles of covariances, 15 significant digits.")
w("[meta]")
w('software = "', R.version.string, "; AER ", format(packageVersion("AER")), "; sandwich ",
  format(packageVersion("sandwich")), "; clubSandwich ", format(packageVersion("clubSandwich")),
  "; plm ", format(packageVersion("plm")), '"')
w('data = "benchmarks/crime_nc.csv"')
w('sha256 = "', strsplit(system2("sha256sum", shQuote(file), stdout = TRUE), " ")[[1]][1], '"')
w("digits = 15")
w("periods = 7")

X <- "lprbconv + lavgsen + ldensity"
Z <- "ltaxpc + lmix + lwcon"
endog <- list(one = "lprbarr", two = "lprbarr + lpolpc")
dummies <- c(none = "", entity = " + factor(county)", twoways = " + factor(county) + factor(year)")

models <- list(
  one = list(e = "one", f = "none", w = FALSE), two = list(e = "two", f = "none", w = FALSE),
  weighted = list(e = "one", f = "none", w = TRUE), entity = list(e = "one", f = "entity", w = FALSE),
  twoways = list(e = "two", f = "twoways", w = FALSE),
  entity_weighted = list(e = "one", f = "entity", w = TRUE)
)

for (subset in c("full", "gaps")) {
  s <- if (subset == "gaps") d[gaps(nrow(d), 7), ] else d
  s$weight <- 1 + (seq_len(nrow(s)) - 1) %% 3
  for (m in names(models)) {
    spec <- models[[m]]
    f <- as.formula(paste("lcrmrte ~", endog[[spec$e]], "+", X, dummies[[spec$f]], "|", Z, "+", X,
                          dummies[[spec$f]]))
    environment(f) <- environment()
    fit <- if (spec$w) ivreg(f, data = s, weights = s$weight) else ivreg(f, data = s)
    keep <- names(coef(fit))[!grepl("factor", names(coef(fit)))]
    if (spec$f != "none") keep <- setdiff(keep, "(Intercept)")
    w('\n["', subset, ".", m, '"]')
    w('endog = "', endog[[spec$e]], '"')
    w('effects = "', spec$f, '"')
    w("weighted = ", tolower(spec$w))
    w("nobs = ", nobs(fit))
    w("df_residual = ", df.residual(fit))
    w("sigma = ", toml(fit$sigma))
    w("names = ", str(sub("(Intercept)", "Intercept", keep, fixed = TRUE)))
    w("coef = ", num(coef(fit)[keep]))
    cov <- list(vcov = vcov(fit))
    for (k in paste0("HC", 0:4)) cov[[paste0("sandwich.", k)]] <- quiet(vcovHC(fit, type = k))
    cov[["sandwich.CL.county"]] <- vcovCL(fit, cluster = s$county)
    cov[["sandwich.CL.county.HC0"]] <- vcovCL(fit, cluster = s$county, type = "HC0", cadjust = FALSE)
    cov[["sandwich.CL.county.year"]] <- vcovCL(fit, cluster = s[c("county", "year")])
    cov[["sandwich.PL.lag2"]] <- vcovPL(fit, cluster = s$county, order.by = s$year, lag = 2,
                                        aggregate = TRUE, adjust = FALSE)
    # with gaps vcovPL(aggregate = FALSE) pairs rows by neither the value nor the position of time
    if (subset == "full")
      cov[["sandwich.PL.lag2.within"]] <- vcovPL(fit, cluster = s$county, order.by = s$year, lag = 2,
                                                 aggregate = FALSE, adjust = FALSE)
    if (subset == "full") cov[["sandwich.PC"]] <- vcovPC(fit, cluster = s$county, order.by = s$year)
    club <- list()
    for (k in c("CR0", "CR1", "CR1S", "CR2", "CR3")) {
      V <- quiet(vcovCR(fit, cluster = s$county, type = k))
      if (!is.null(V)) { cov[[paste0("clubSandwich.", k)]] <- as.matrix(V); club[[k]] <- V }
    }
    w('["', subset, ".", m, '".cov]')
    for (n in names(cov)) {
      V <- cov[[n]]
      if (is.null(V) || !all(is.finite(V[keep, keep]))) next
      w('"', n, '" = ', num(lower(V[keep, keep])))
    }
    w('["', subset, ".", m, '".df]')
    for (k in c("CR1", "CR2")) if (!is.null(club[[k]])) {
      ct <- quiet(coef_test(fit, vcov = club[[k]], test = "Satterthwaite"))
      if (!is.null(ct)) w('"', k, '" = ', num(ct[match(keep, names(coef(fit))), "df_Satt"]))
    }
    if (!is.null(club$CR2)) {
      slopes <- match(setdiff(keep, "(Intercept)"), names(coef(fit)))
      wt <- quiet(Wald_test(fit, constraints = constrain_zero(slopes), vcov = club$CR2, test = "HTZ"))
      if (!is.null(wt)) w('"HTZ" = ', num(c(wt$Fstat, wt$df_num, wt$df_denom, wt$p_val)))
    }
    w('["', subset, ".", m, '".tests]')
    for (v in c("classical", "HC1")) {
      # ivreg's summary refits with the data; a formula with weights is found in this environment
      t <- quiet(if (v == "classical") summary(fit, diagnostics = TRUE)$diagnostics
                 else summary(fit, vcov. = function(x) vcovHC(x, type = "HC1"), diagnostics = TRUE)$diagnostics)
      if (!is.null(t)) for (r in rownames(t))
        w('"', v, ".", r, '" = ', num(t[r, ]))
    }
  }
  p <- pdata.frame(s, index = c("county", "year"))
  for (e in c("individual", "twoways")) for (m in c("one", "two")) {
    f <- as.formula(paste("lcrmrte ~", endog[[m]], "+", X, "|", Z, "+", X))
    fit <- plm(f, data = p, model = "within", effect = e)
    w('\n["', subset, ".plm.", e, ".", m, '"]')
    w('endog = "', endog[[m]], '"')
    w('effects = "', c(individual = "entity", twoways = "twoways")[[e]], '"')
    w("weighted = false")
    w("nobs = ", nobs(fit))
    w("df_residual = ", df.residual(fit))
    w("names = ", str(names(coef(fit))))
    w("coef = ", num(coef(fit)))
    w('["', subset, ".plm.", e, ".", m, '".cov]')
    w('"vcov" = ', num(lower(vcov(fit))))
    for (k in c("HC0", "HC1", "sss")) {
      V <- quiet(vcovHC(fit, method = "arellano", type = k))
      if (!is.null(V)) w('"plm.arellano.', k, '" = ', num(lower(V)))
    }
    V <- quiet(vcovSCC(fit, type = "HC0", maxlag = 2))
    if (!is.null(V)) w('"plm.SCC.2" = ', num(lower(V)))
  }
}
