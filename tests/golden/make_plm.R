# Golden numbers for linear panel estimators and their covariances: plm, sandwich, clubSandwich.
#
# Usage: MIGDEV_DATA=... Rscript make_plm.R [output directory]
# Writes one TOML file per sample: plm_grunfeld.toml, plm_grunfeld_gaps.toml, ...
#
# Scheme of a file:
#   [meta]                     software, data file, sha256, formula, rule of the subset
#   ["MODEL"]                  names, coef, nobs, df_residual, rss, sigma2, theta where it is one number
#   ["MODEL".cov]              "PACKAGE.FUNCTION.OPTIONS" = lower triangle by rows, in `names` order
#   ["MODEL".df]               Satterthwaite degrees of freedom by coefficient
#   ["MODEL".wald]             [F, numerator df, denominator df, p] of the slopes jointly
# MODEL is plm's `model.effect`, or lm.EFFECTS / wls.EFFECTS for lm() with those dummies.
#
# The gappy subsets drop rows by index arithmetic (see `gaps`): gaps inside, late entry, attrition;
# the first entity stays complete because plm::vcovBK misplaces periods otherwise.

suppressMessages({library(plm); library(sandwich); library(clubSandwich); library(lmtest)})
options(digits = 15, warn = 1)
dir <- file.path(Sys.getenv("MIGDEV_DATA"), "benchmarks")
out <- commandArgs(TRUE)
out <- if (length(out)) out[1] else "."

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

emit <- function(con, model, names, coef, cov, df = list(), wald = list(), extra = list()) {
  w <- function(...) writeLines(paste0(...), con)
  w('\n["', model, '"]')
  w("names = ", str(names))
  w("coef = ", num(coef))
  for (n in names(extra)) w(n, " = ", if (length(extra[[n]]) == 1) sprintf("%.15g", extra[[n]]) else num(extra[[n]]))
  w('["', model, '".cov]')
  for (n in names(cov)) if (!is.null(cov[[n]]) && all(is.finite(cov[[n]]))) w('"', n, '" = ', num(lower(cov[[n]])))
  if (length(df)) { w('["', model, '".df]'); for (n in names(df)) if (!is.null(df[[n]])) w('"', n, '" = ', num(df[[n]])) }
  if (length(wald)) { w('["', model, '".wald]'); for (n in names(wald)) if (!is.null(wald[[n]])) w('"', n, '" = ', num(wald[[n]])) }
}

rename <- function(x) { x[x == "(Intercept)"] <- "Intercept"; gsub("^(wks|union|smsa).*", "\\1", x) }

club <- function(fit, clusters, keep, kinds = c("CR0", "CR1", "CR1S", "CR2", "CR3"), tag = "", ...) {
  cov <- list(); df <- list(); wald <- list()
  slopes <- which(keep != "(Intercept)")
  for (g in names(clusters)) for (k in kinds) {
    V <- quiet(vcovCR(fit, cluster = clusters[[g]], type = k, ...))
    if (is.null(V)) next
    key <- paste0("clubSandwich.", k, ".", g, tag)
    cov[[key]] <- as.matrix(V)[keep, keep, drop = FALSE]
    ct <- quiet(coef_test(fit, vcov = V, test = "Satterthwaite"))
    if (!is.null(ct)) df[[key]] <- ct[match(keep, rownames(as.matrix(V))), "df_Satt"]
    if (is.null(df[[key]]) && !is.null(ct)) df[[key]] <- ct$df[match(keep, rownames(as.matrix(V)))]
    if (k %in% c("CR2", "CR3") && length(slopes) > 1) {
      C <- constrain_zero(match(keep[slopes], names(na.omit(coef(fit)))), coefs = na.omit(coef(fit)))
      wt <- quiet(Wald_test(fit, constraints = C, vcov = V, test = "HTZ"))
      if (!is.null(wt)) wald[[key]] <- c(wt$Fstat, wt$df_num, wt$df_denom, wt$p_val)
    }
  }
  list(cov = cov, df = df, wald = wald)
}

panel_models <- function(con, f, d) {
  index <- c("id", "time")
  specs <- list(pooling = list("pooling", "individual"), within.individual = list("within", "individual"),
                within.time = list("within", "time"), within.twoways = list("within", "twoways"),
                random.individual = list("random", "individual"), random.twoways = list("random", "twoways"),
                between = list("between", "individual"), fd = list("fd", "individual"))
  for (name in names(specs)) {
    s <- specs[[name]]
    fit <- quiet(plm(f, data = d, index = index, model = s[[1]], effect = s[[2]]))
    if (is.null(fit)) next
    keep <- names(coef(fit))
    cov <- list(plm.vcov = vcov(fit)); df <- list(); wald <- list()
    extra <- list(nobs = length(residuals(fit)), df_residual = df.residual(fit), rss = deviance(fit))
    if (s[[1]] == "random") {
      ec <- ercomp(fit)
      extra$sigma2 <- as.numeric(ec$sigma2)
      th <- ec$theta
      if (is.list(th)) {
        if (length(th$id) == 1) { extra$theta_id <- th$id; extra$theta_time <- th$time; extra$theta_total <- th$total }
      } else if (length(th) == 1) extra$theta <- as.numeric(th)  # one per row in unbalanced panels
    }
    if (s[[1]] != "between") {
      for (type in c("HC0", "sss", "HC1", "HC2", "HC3", "HC4")) {
        cov[[paste0("plm.vcovHC.white1.", type)]] <- quiet(vcovHC(fit, method = "white1", type = type))
        cov[[paste0("plm.vcovDC.", type)]] <- quiet(vcovDC(fit, type = type))
        for (g in c("group", "time")) {
          cov[[paste0("plm.vcovHC.arellano.", type, ".", g)]] <- quiet(vcovHC(fit, method = "arellano", type = type, cluster = g))
          if (type %in% c("HC0", "HC3"))
            cov[[paste0("plm.vcovHC.white2.", type, ".", g)]] <- quiet(vcovHC(fit, method = "white2", type = type, cluster = g))
        }
      }
      for (type in c("HC0", "sss", "HC3")) for (lag in list(NULL, 1, 3)) {
        tag <- paste0(type, ".", if (is.null(lag)) "default" else lag)
        cov[[paste0("plm.vcovSCC.", tag)]] <- quiet(vcovSCC(fit, type = type, maxlag = lag))
        cov[[paste0("plm.vcovNW.", tag)]] <- quiet(vcovNW(fit, type = type, maxlag = lag))
      }
      if (!(s[[1]] == "fd" && !is.pbalanced(fit))) for (type in c("HC0", "HC1", "HC3")) for (g in c("group", "time")) for (diag in c(FALSE, TRUE))
        cov[[paste0("plm.vcovBK.", type, ".", g, if (diag) ".diagonal")]] <- quiet(vcovBK(fit, type = type, cluster = g, diagonal = diag))
      cl <- if (s[[1]] == "fd") list(group = "individual") else list(group = "individual", time = "time")
      if (name == "random.individual") cl <- list(group = "individual")
      if (name != "random.twoways") {
        cs <- club(fit, cl, keep)
        cov <- c(cov, cs$cov); df <- cs$df; wald <- cs$wald
      }
    }
    emit(con, name, rename(keep), coef(fit), cov, df, wald, extra)
  }
}

lm_models <- function(con, f, d) {
  effects <- list(none = f, individual = update(f, . ~ . + id), time = update(f, . ~ . + time),
                  twoways = update(f, . ~ . + id + time))
  d$id <- factor(d$id); d$time <- factor(d$time)
  slopes <- attr(terms(f), "term.labels")
  for (weighted in c(FALSE, TRUE)) for (e in names(effects)) {
    i <- seq_len(nrow(d)) - 1
    d$w <- 0.5 + ((3 * i + i %/% 7) %% 5) / 2
    fit <- if (weighted) lm(effects[[e]], data = d, weights = w) else lm(effects[[e]], data = d)
    keep <- names(coef(fit))[seq_len(length(slopes) + 1)]
    if (e != "none") keep <- setdiff(keep, "(Intercept)")
    take <- function(V) if (is.null(V)) NULL else V[keep, keep, drop = FALSE]
    cov <- list(lm.vcov = take(vcov(fit)))
    for (type in c("HC0", "HC1", "HC2", "HC3", "HC4")) cov[[paste0("sandwich.vcovHC.", type)]] <- take(vcovHC(fit, type = type))
    clusters <- list(group = d["id"], time = d["time"], both = d[c("id", "time")])
    for (g in names(clusters)) for (type in c("HC0", "HC1", "HC2", "HC3")) for (adj in c(TRUE, FALSE)) {
      if (type %in% c("HC2", "HC3") && (weighted || (e %in% c("individual", "twoways") && g != "time") || (e %in% c("time", "twoways") && g != "group"))) next
      cov[[paste0("sandwich.vcovCL.", type, ".", g, if (!adj) ".nocadjust")]] <- take(quiet(vcovCL(fit, cluster = clusters[[g]], type = type, cadjust = adj)))
    }
    if (!weighted) for (lag in c(1, 3)) {
      cov[[paste0("sandwich.vcovPL.aggregate.", lag)]] <- take(quiet(vcovPL(fit, cluster = d$id, order.by = as.integer(d$time), lag = lag, aggregate = TRUE)))
      cov[[paste0("sandwich.vcovPL.panel.", lag)]] <- take(quiet(vcovPL(fit, cluster = d$id, order.by = as.integer(d$time), lag = lag, aggregate = FALSE)))
    }
    kinds <- c("CR0", "CR1", "CR1S", "CR2", "CR3")
    cl <- list(group = d$id, time = d$time)
    df <- list(); wald <- list()
    for (g in names(cl)) {
      nested <- (g == "group" && e %in% c("individual", "twoways")) || (g == "time" && e %in% c("time", "twoways"))
      if (nrow(d) > 2000 && e != "none") next
      # (I - H)_gg is singular with nested dummies: no CR3, and in larger weighted fits rounding
      # passes clubSandwich's fixed tolerance on null eigenvalues, so no CR2 either
      skip <- if (!nested) NULL else if (weighted && nrow(d) > 200) c("CR2", "CR3") else "CR3"
      cs <- club(fit, cl[g], keep, setdiff(kinds, skip))
      cov <- c(cov, cs$cov); df <- c(df, cs$df); wald <- c(wald, cs$wald)
      if (weighted) {
        cs <- club(fit, cl[g], keep, if (nested) "CR2" else c("CR2", "CR3"), tag = ".inverse_var", inverse_var = TRUE)
        cov <- c(cov, cs$cov); df <- c(df, cs$df); wald <- c(wald, cs$wald)
      }
    }
    emit(con, paste0(if (weighted) "wls." else "lm.", e), rename(keep), coef(fit)[keep], cov, df, wald,
         list(nobs = nobs(fit), df_residual = df.residual(fit), rss = sum(weighted.residuals(fit)^2)))
  }
  one <- d[d$id == d$id[1], ]
  fit <- lm(f, data = one)
  cov <- list()
  for (lag in c(0, 1, 3)) for (adj in c(FALSE, TRUE))
    cov[[paste0("sandwich.NeweyWest.", lag, if (adj) ".adjust")]] <- NeweyWest(fit, lag = lag, prewhite = FALSE, adjust = adj)
  emit(con, "lm.first_entity", rename(names(coef(fit))), coef(fit), cov, extra = list(nobs = nobs(fit), df_residual = df.residual(fit), rss = deviance(fit)))
}

run <- function(tag, file, f, d, T, lm_too = TRUE) {
  sha <- strsplit(system2("sha256sum", shQuote(file.path(dir, file)), stdout = TRUE), " ")[[1]][1]
  for (subset in c("", "_gaps")) {
    x <- if (subset == "") d else d[gaps(nrow(d), T), ]
    con <- file(file.path(out, paste0("plm_", tag, subset, ".toml")), "w")
    writeLines(c("# Made by make_plm.R; lower triangles of covariances, 15 significant digits.", "[meta]",
      paste0('software = "', R.version.string, "; plm ", packageVersion("plm"), "; sandwich ", packageVersion("sandwich"), "; clubSandwich ", packageVersion("clubSandwich"), '"'),
      paste0('data = "benchmarks/', file, '"'), paste0('sha256 = "', sha, '"'),
      paste0('formula = "', deparse(f, width.cutoff = 200), '"'), "digits = 15",
      paste0("periods = ", T), paste0("gaps = ", if (subset == "") "false" else "true")), con)
    panel_models(con, f, x)
    if (lm_too) lm_models(con, f, x)
    close(con)
    cat(tag, subset, nrow(x), "\n")
  }
}

g <- read.csv(file.path(dir, "grunfeld.csv"))
run("grunfeld", "grunfeld.csv", inv ~ value + capital, data.frame(id = g$firm, time = g$year, g[c("inv", "value", "capital")]), 20)
g <- read.csv(file.path(dir, "gasoline.csv"))
run("gasoline", "gasoline.csv", lgaspcar ~ lincomep + lrpmg + lcarpcap,
    data.frame(id = as.integer(factor(g$country)), time = g$year, g[c("lgaspcar", "lincomep", "lrpmg", "lcarpcap")]), 19)
p <- read.csv(file.path(dir, "munnell_produc.csv"))
run("produc", "munnell_produc.csv", lgsp ~ lpcap + lpc + lemp + unemp,
    data.frame(id = as.integer(factor(p$state)), time = p$year, lgsp = log(p$gsp), lpcap = log(p$pcap), lpc = log(p$pc), lemp = log(p$emp), unemp = p$unemp), 17)
w <- read.csv(file.path(dir, "wages_psid.csv"))
run("wages", "wages_psid.csv", lwage ~ wks + union + smsa,
    data.frame(id = rep(seq_len(595), each = 7), time = rep(1:7, 595), lwage = w$lwage, wks = w$wks,
               union = as.numeric(w$union == "yes"), smsa = as.numeric(w$smsa == "yes")), 7, lm_too = FALSE)
