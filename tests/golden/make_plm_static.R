# Golden numbers for the static estimators and the panel diagnostics: R's plm, and brute force in R
# where plm has no number or a wrong one.
#
# Usage: MIGDEV_DATA=... Rscript make_plm_static.R [output directory]
#
# Scheme of plm_static.toml:
#   [meta]                                    software, printed digits
#   [SAMPLE]                                  data file, sha256, formula, names, nobs
#   [SAMPLE.random."EFFECT.METHOD[.exact]"]   coef, vcov (lower triangle by rows), sigma2
#                                             (idiosyncratic, entity, time: those of the effect)
#   [SAMPLE.random."EFFECT.METHOD".brute]     coef and vcov of GLS with the full covariance matrix,
#                                             at the components of plm (two-way, gappy)
#   [SAMPLE.between.EFFECT], [SAMPLE.fd.RULE] coef, vcov, nobs
#   [SAMPLE.tests]                            "TEST" = [statistic, df..., p]
# SAMPLE is DATA.SUBSET with SUBSET full, gaps or ragged. With e = 0, 1, ... the entity, t the
# period and T the number of periods, "gaps" drops, except from the first entity, rows with
#   (3e + 5t) mod 11 = 0, or e mod 4 = 2 and t < 3, or e mod 5 = 3 and t >= T - 2,
# and "ragged" keeps e mod 3 <= t < e mod 3 + 1 + (11e mod T): runs of 1 to T periods.
# ".exact" is plm's random.dfcor = 3. vcov of unbalanced two-way models is left to `brute`: plm 2.6
# omits the factor sigma^2 there. plm's two-way Nerlove variances hold for balanced panels only (its
# fixef takes period means for period effects), so unbalanced ones come from lm() with dummies. Not
# asked of plm: phtest(method = "aux") in unbalanced panels, where it adds a plain intercept to the
# quasi-demeaned equation; pooltest with regressors that are collinear within groups.

suppressMessages({library(plm); library(lmtest)})
options(digits = 15, warn = 1)
dir <- file.path(Sys.getenv("MIGDEV_DATA"), "benchmarks")
out <- commandArgs(TRUE)
out <- if (length(out)) out[1] else "."
con <- file(file.path(out, "plm_static.toml"), "w")
w <- function(...) writeLines(paste0(...), con)
num <- function(x) paste0("[", paste(ifelse(is.finite(x), sprintf("%.15g", as.numeric(x)), "nan"), collapse = ", "), "]")
lower <- function(V) unlist(lapply(seq_len(nrow(V)), function(i) V[i, seq_len(i)]))
quiet <- function(expr) suppressWarnings(tryCatch(expr, error = function(e) NULL))

subsets <- list(
  full = function(e, t, T) rep(TRUE, length(e)),
  gaps = function(e, t, T) !(e > 0 & ((3 * e + 5 * t) %% 11 == 0 | (e %% 4 == 2 & t < 3) | (e %% 5 == 3 & t >= T - 2))),
  ragged = function(e, t, T) t >= e %% 3 & t < e %% 3 + 1 + (11 * e) %% T)

# Covariance of u over sigma^2_nu from variance ratios, in full.
omega <- function(d, phi_id, phi_time) {
  S <- diag(nrow(d))
  if (phi_id > 0) S <- S + phi_id * outer(d$id, d$id, "==")
  if (phi_time > 0) S <- S + phi_time * outer(d$time, d$time, "==")
  S
}
gls_full <- function(f, d, phi_id, phi_time) {
  X <- model.matrix(f, d); y <- model.response(model.frame(f, d))
  R <- chol(omega(d, phi_id, phi_time))
  Xs <- backsolve(R, X, transpose = TRUE); ys <- backsolve(R, y, transpose = TRUE)
  b <- solve(crossprod(Xs), crossprod(Xs, ys))
  s2 <- sum((ys - Xs %*% b)^2) / (nrow(X) - ncol(X))
  list(coef = b, vcov = s2 * solve(crossprod(Xs)))
}
nerlove_twoways <- function(f, d) {
  g <- update(f, . ~ . + factor(id) + factor(time))
  m <- lm(g, d)
  pick <- function(name, levels) { b <- c(0, coef(m)[paste0("factor(", name, ")", levels[-1])]); b }
  i <- sort(unique(d$id)); t <- sort(unique(d$time))
  a <- pick("id", i); l <- pick("time", t)
  Ti <- as.numeric(table(d$id)) / nrow(d); Nt <- as.numeric(table(d$time)) / nrow(d)
  c(sum(resid(m)^2) / nrow(d),
    sum(Ti * (a - sum(Ti * a))^2) * length(i) / (length(i) - 1),
    sum(Nt * (l - sum(Nt * l))^2) * length(t) / (length(t) - 1))
}

random <- function(tag, f, d, balanced, brute, fixed) {
  index <- c("id", "time")
  for (effect in c("individual", "time", "twoways")) for (method in c("swar", "walhus", "amemiya", "nerlove")) {
    if (fixed && method %in% c("amemiya", "nerlove")) next
    for (exact in c(FALSE, TRUE)) {
      if (exact && !(balanced && method %in% c("walhus", "amemiya"))) next
      args <- list(f, data = d, index = index, model = "random", effect = effect, random.method = method)
      if (exact) args$random.dfcor <- 3
      if (effect == "twoways" && method == "nerlove" && !balanced) {
        if (!brute) next
        s <- quiet(nerlove_twoways(f, d))
        if (is.null(s)) next
        w('\n[', tag, '.random."', effect, '.', method, '"]')
        w("sigma2 = ", num(s))
        g <- gls_full(f, d, s[2] / s[1], s[3] / s[1])
        w('[', tag, '.random."', effect, '.', method, '".brute]')
        w("coef = ", num(g$coef)); w("vcov = ", num(lower(g$vcov)))
        next
      }
      fit <- quiet(do.call(plm, args))
      if (is.null(fit)) next
      s <- as.numeric(ercomp(fit)$sigma2)
      w('\n[', tag, '.random."', effect, '.', method, if (exact) ".exact", '"]')
      w("coef = ", num(coef(fit)))
      w("sigma2 = ", num(s))
      if (effect != "twoways" || balanced) w("vcov = ", num(lower(as.matrix(vcov(fit)))))
      if (effect != "twoways" && method == "swar") w("ranef = ", num(head(ranef(fit), 12)))
      if (effect == "twoways" && !balanced && brute) {
        g <- gls_full(f, d, s[2] / s[1], s[3] / s[1])
        w('[', tag, '.random."', effect, '.', method, '".brute]')
        w("coef = ", num(g$coef)); w("vcov = ", num(lower(g$vcov)))
      }
    }
  }
}

moments <- function(tag, f, d) {
  index <- c("id", "time")
  show <- function(head, b, V, n) { w("\n[", tag, ".", head, "]"); w("coef = ", num(b)); w("vcov = ", num(lower(as.matrix(V)))); w("nobs = ", n) }
  for (effect in c("individual", "time")) {
    fit <- quiet(plm(f, data = d, index = index, model = "between", effect = effect))
    if (!is.null(fit)) show(paste0("between.", effect), coef(fit), vcov(fit), length(residuals(fit)))
    by <- if (effect == "individual") d$id else d$time
    m <- aggregate(model.frame(f, d), list(g = by), mean); n <- as.numeric(table(by))
    m$.n <- n; fit <- lm(f, m, weights = .n)
    show(paste0("between.", effect, "_weighted"), coef(fit), vcov(fit), nrow(m))
  }
  fit <- quiet(plm(f, data = d, index = index, model = "fd"))
  if (!is.null(fit)) show("fd.consecutive", coef(fit), vcov(fit), length(residuals(fit)))
  p <- pdata.frame(cbind(d[index], model.frame(f, d)), index = index)
  v <- data.frame(lapply(names(model.frame(f, d)), function(n) as.numeric(diff(p[[n]], shift = "time"))))
  names(v) <- names(model.frame(f, d))
  fit <- lm(f, v)
  show("fd.skip", coef(fit), vcov(fit), length(resid(fit)))
  fit <- lm(update(f, . ~ . - 1), v)
  show("fd.skip_no_intercept", coef(fit), vcov(fit), length(resid(fit)))
}

# Drukker (2003): differences without intercept, residual on its lag without intercept, CR1.
drukker <- function(f, d) {
  p <- pdata.frame(cbind(d[c("id", "time")], model.frame(f, d)), index = c("id", "time"))
  names <- names(model.frame(f, d))
  v <- data.frame(lapply(names, function(n) as.numeric(diff(p[[n]], shift = "time")))); names(v) <- names
  fit <- lm(update(f, . ~ . - 1), v, na.action = na.exclude)
  e <- resid(fit); p$e <- e; l <- as.numeric(lag(p$e, 1, shift = "time")); ok <- !is.na(e) & !is.na(l)
  e <- e[ok]; l <- l[ok]; id <- as.integer(p$id)[ok]
  rho <- sum(e * l) / sum(l^2); u <- e - rho * l
  G <- length(unique(id)); n <- length(e)
  V <- G / (G - 1) * sum(tapply(l * u, id, sum)^2) / sum(l^2)^2
  F <- (rho + 0.5)^2 / V
  c(F, 1, G - 1, pf(F, 1, G - 1, lower.tail = FALSE))
}

tests <- function(tag, f, d, fixed) {
  index <- c("id", "time")
  w("\n[", tag, ".tests]")
  put <- function(name, x) if (!is.null(x)) w('"', name, '" = ', num(if (inherits(x, "htest")) c(x$statistic, x$parameter, if (is.null(x$p.value)) NaN else x$p.value) else x))
  fit <- function(model, effect = "individual", ...) quiet(plm(f, data = d, index = index, model = model, effect = effect, ...))
  pool <- fit("pooling")
  for (effect in c("individual", "time", "twoways")) {
    within <- fit("within", effect)
    put(paste0("pFtest.", effect), quiet(pFtest(within, pool)))
    for (type in c("bp", "honda", "kw", "ghm")) {
      x <- quiet(plmtest(pool, effect = effect, type = type))
      if (!is.null(x) && type == "ghm") x <- c(x$statistic, x$p.value)
      put(paste0("plmtest.", effect, ".", type), x)
    }
    re <- fit("random", effect)
    if (!is.null(re) && !(effect == "twoways" && !is.pbalanced(pool))) put(paste0("phtest.", effect), quiet(phtest(within, re)))
  }
  put("pFtest.twoways_given_individual", quiet(pFtest(fit("within", "twoways"), fit("within"))))
  if (!fixed && is.pbalanced(pool)) {
    d2 <- pdata.frame(d, index = index)
    put("phtest.aux", quiet(phtest(f, data = d2, method = "aux")))
    for (type in c("HC0", "HC1", "sss")) {
      v <- eval(bquote(function(x) vcovHC(x, method = "arellano", type = .(type), cluster = "group")))
      put(paste0("phtest.aux.arellano.", type), quiet(phtest(f, data = d2, method = "aux", vcov = v)))
    }
  }
  put("pwartest", quiet(pwartest(fit("within"))))
  fd <- fit("fd")
  if (!is.null(fd)) { put("pwfdtest.fd", quiet(pwfdtest(fd, h0 = "fd"))); put("pwfdtest.fe", quiet(pwfdtest(fd, h0 = "fe"))) }
  put("drukker", quiet(drukker(f, d)))
  for (model in c("pooling", "within", "random")) {
    m <- fit(model)
    for (order in 1:2) put(paste0("pbgtest.", model, ".", order), quiet(pbgtest(m, order = order)))
    put(paste0("pbgtest.", model, ".1.F"), quiet(pbgtest(m, order = 1, type = "F")))
    if (model != "random") for (test in c("bnf", "lbi")) put(paste0("pbnftest.", model, ".", test), quiet(pbnftest(m, test = test)))
  }
  for (effect in c("individual", "time")) {
    by <- if (effect == "individual") d$id else d$time
    ranks <- tapply(seq_len(nrow(d)), by, function(r) qr(model.matrix(f, d[r, ]))$rank)
    if (min(table(by)) < length(attr(terms(f), "term.labels")) + 2 || min(ranks) < max(ranks) || fixed) next
    vc <- quiet(pvcm(f, data = d, index = index, model = "within", effect = effect))
    if (is.null(vc)) next
    put(paste0("pooltest.", effect, ".pooling"), quiet(pooltest(pool, vc)))
    put(paste0("pooltest.", effect, ".within"), quiet(pooltest(fit("within", effect), vc)))
  }
}

run <- function(tag, file, f, d, T, fixed = FALSE, small = TRUE) {
  sha <- strsplit(system2("sha256sum", shQuote(file.path(dir, file)), stdout = TRUE), " ")[[1]][1]
  e <- (seq_len(nrow(d)) - 1) %/% T; t <- (seq_len(nrow(d)) - 1) %% T
  for (s in names(subsets)) {
    x <- d[subsets[[s]](e, t, T), ]
    here <- paste0(tag, ".", s)
    w("\n[", here, "]")
    w('data = "benchmarks/', file, '"'); w('sha256 = "', sha, '"')
    w('formula = "', deparse(f, width.cutoff = 200), '"'); w("periods = ", T); w("nobs = ", nrow(x))
    random(here, f, x, s == "full", small, fixed)
    moments(here, f, x)
    tests(here, f, x, fixed)
    cat(here, nrow(x), "\n")
  }
}

w("# Made by make_plm_static.R, which explains the scheme.")
w("[meta]")
w('software = "', R.version.string, "; plm ", packageVersion("plm"), "; lmtest ", packageVersion("lmtest"), '"')
w("digits = 15")
g <- read.csv(file.path(dir, "grunfeld.csv"))
run("grunfeld", "grunfeld.csv", inv ~ value + capital, data.frame(id = g$firm, time = g$year, g[c("inv", "value", "capital")]), 20)
g <- read.csv(file.path(dir, "gasoline.csv"))
run("gasoline", "gasoline.csv", lgaspcar ~ lincomep + lrpmg + lcarpcap,
    data.frame(id = as.integer(factor(g$country)), time = g$year, g[c("lgaspcar", "lincomep", "lrpmg", "lcarpcap")]), 19)
p <- read.csv(file.path(dir, "munnell_produc.csv"))
run("produc", "munnell_produc.csv", lgsp ~ lpcap + lpc + lemp + unemp,
    data.frame(id = as.integer(factor(p$state)), time = p$year, lgsp = log(p$gsp), lpcap = log(p$pcap), lpc = log(p$pc), lemp = log(p$emp), unemp = p$unemp), 17)
x <- read.csv(file.path(dir, "wages_psid.csv"))
x <- data.frame(id = rep(seq_len(595), each = 7), time = rep(1:7, 595), lwage = x$lwage, wks = x$wks,
                union = as.numeric(x$union == "yes"), smsa = as.numeric(x$smsa == "yes"), ed = x$ed)
run("wages", "wages_psid.csv", lwage ~ wks + union + smsa, x, 7, small = FALSE)
run("wages_fixed", "wages_psid.csv", lwage ~ wks + union + smsa + ed, x, 7, fixed = TRUE, small = FALSE)
close(con)
