# Golden numbers for average marginal effects, elasticities and predictions with delta-method errors.
#
# Usage: MIGDEV_DATA=... Rscript make_average_margins.R > average_margins.toml
#
# wages_psid.csv. Models by glm(epsilon = 1e-14) with vcov() (expected information). Each number is
# a function of the coefficients through predict(): derivatives in a variable by
# numDeriv::grad-like Richardson steps in all rows at once, the Jacobian by numDeriv::jacobian.

suppressMessages(library(numDeriv))
options(digits = 15, warn = 1)
file <- file.path(Sys.getenv("MIGDEV_DATA"), "benchmarks", "wages_psid.csv")
d <- read.csv(file)
d$member <- as.numeric(d$union == "yes")
d$sex <- factor(d$sex)
num <- function(x) paste0("[", paste(sprintf("%.12g", as.numeric(x)), collapse = ", "), "]")
w <- function(...) cat(..., "\n", sep = "")

mean_at <- function(m, b, data) {
  m$coefficients[] <- b
  predict(m, data, type = "response")
}
# Derivative in a variable, row by row: Richardson extrapolation of central differences.
slope <- function(m, b, data, v) {
  step <- function(h) {
    up <- down <- data
    up[[v]] <- up[[v]] + h
    down[[v]] <- down[[v]] - h
    (mean_at(m, b, up) - mean_at(m, b, down)) / (2 * h)
  }
  h <- 0.1
  one <- step(h); two <- step(h / 2); three <- step(h / 4)
  a <- (4 * two - one) / 3; b2 <- (4 * three - two) / 3
  (16 * b2 - a) / 15
}
change <- function(m, b, data, v, high, low) {
  up <- down <- data
  up[[v]][] <- high
  down[[v]][] <- low
  mean_at(m, b, up) - mean_at(m, b, down)
}
emit <- function(name, m, f) {
  b <- coef(m)
  J <- jacobian(f, b)
  w(name, " = ", num(c(f(b), sqrt(diag(J %*% vcov(m) %*% t(J))))))
}
typical <- function(data) {
  t <- data[1, ]
  for (v in c("exp", "ed", "wks")) t[[v]] <- mean(data[[v]])
  t$sex[] <- names(which.max(table(data$sex)))
  t
}

w("[meta]")
w('software = "', R.version.string, ", numDeriv ", as.character(packageVersion("numDeriv")), '"')
w('call = "glm(member ~ exp * ed + I(exp^2) + log(wks) + sex); glm(wks ~ exp * ed + I(exp^2) + sex)"')
w('entries = "estimate, std_error; several estimates, then their errors"')
w('data = "benchmarks/wages_psid.csv"')
w('sha256 = "', strsplit(system(paste("sha256sum", shQuote(file)), intern = TRUE), " ")[[1]][1], '"')

tight <- glm.control(epsilon = 1e-14, maxit = 100)
right <- member ~ exp * ed + I(exp^2) + log(wks) + sex
for (link in c("logit", "probit", "cloglog", "poisson")) {
  few <- link %in% c("poisson", "cloglog")  # with log(wks) the complementary log-log diverges
  m <- if (link == "poisson") glm(wks ~ exp * ed + I(exp^2) + sex, poisson, d, control = tight) else
    glm(if (few) update(right, . ~ . - log(wks)) else right, binomial(link), d, control = tight)
  stopifnot(m$converged)
  w("\n[", link, "]")
  w("params = ", num(coef(m)))
  for (v in c("exp", "ed", if (!few) "wks"))
    emit(paste0("dydx_", v), m, function(b) mean(slope(m, b, d, v)))
  emit("contrast_sex", m, function(b) mean(change(m, b, d, "sex", "male", "female")))
  emit("eyex_exp", m, function(b) mean(slope(m, b, d, "exp") * d$exp / mean_at(m, b, d)))
  emit("eydx_exp", m, function(b) mean(slope(m, b, d, "exp") / mean_at(m, b, d)))
  emit("dyex_exp", m, function(b) mean(slope(m, b, d, "exp") * d$exp))
  emit("dydx_exp_by_sex", m, function(b) tapply(slope(m, b, d, "exp"), d$sex, mean))
  emit("dydx_exp_at_means", m, function(b) slope(m, b, typical(d), "exp"))
  emit("dydx_ed_at_exp_5_20", m, function(b) sapply(c(5, 20), function(x) {
    moved <- d
    moved$exp[] <- x
    mean(slope(m, b, moved, "ed"))
  }))
  emit("prediction", m, function(b) mean(mean_at(m, b, d)))
  emit("prediction_by_sex", m, function(b) tapply(mean_at(m, b, d), d$sex, mean))
  emit("prediction_at_means", m, function(b) mean_at(m, b, typical(d)))
  emit("prediction_at_exp_5_20", m, function(b) sapply(c(5, 20), function(x) {
    moved <- d
    moved$exp[] <- x
    mean(mean_at(m, b, moved))
  }))
}
