# Golden numbers for marginal effects: car::deltaMethod, sandwich, uniroot, closed forms.
#
# Usage: MIGDEV_DATA=... Rscript make_margins.R > margins.toml
#
# [quadratic], [logs], [factor], [cubic] use wages_psid.csv by lm() with HC1 errors. [states] uses
# R's own state.x77 and stores coefficients and covariances; for this model the package
# `interactions` prints, by sim_slopes(pred = Illiteracy, modx = Murder, johnson_neyman = TRUE,
# control.fdr = TRUE, robust = "HC3"), the numbers under `printed`. It takes the critical value
# from the classical covariance over 1,000 values, and the bounds from HC3.

suppressMessages({library(car); library(sandwich)})
options(digits = 15, warn = 1)
file <- file.path(Sys.getenv("MIGDEV_DATA"), "benchmarks", "wages_psid.csv")
d <- read.csv(file)
num <- function(x) paste0("[", paste(sprintf("%.15g", as.numeric(x)), collapse = ", "), "]")
str <- function(x) paste0("[", paste0('"', x, '"', collapse = ", "), "]")
w <- function(...) cat(..., "\n", sep = "")

w("[meta]")
w('software = "', R.version.string, ", car ", as.character(packageVersion("car")), ", sandwich ",
  as.character(packageVersion("sandwich")), '"')
w('data = "benchmarks/wages_psid.csv"')
w('sha256 = "', strsplit(system(paste("sha256sum", shQuote(file)), intern = TRUE), " ")[[1]][1], '"')

# Effects and errors by car::deltaMethod, whose derivatives are symbolic.
effect <- function(m, V, expressions, names) {
  r <- sapply(expressions, function(g) unlist(deltaMethod(m, g, vcov. = V, parameterNames = names)[1:2]))
  w("effect = ", num(r[1, ]))
  w("std_error = ", num(r[2, ]))
}
# Roots of |t(z)| = c by uniroot on a fine grid.
roots <- function(f, low, high, n = 4001) {
  z <- seq(low, high, length.out = n)
  y <- sapply(z, f)
  i <- which(y[-1] * y[-n] < 0)
  sapply(i, function(k) uniroot(f, c(z[k], z[k + 1]), tol = 1e-14)$root)
}

w("\n[quadratic]")  # b0 + b1 exp + b2 exp^2 + b3 ed + b4 exp:ed
m <- lm(lwage ~ exp + I(exp^2) + ed + exp:ed, d)
V <- vcovHC(m, "HC1")
b <- coef(m)
n <- paste0("b", 0:4)
w("exp = ", num(c(1, 10, 30)))
w("ed = ", num(c(8, 12, 16)))
effect(m, V, c("b1 + 2*b2*1 + b4*8", "b1 + 2*b2*10 + b4*12", "b1 + 2*b2*30 + b4*16"), n)
g <- function(x, e) c(0, 1, 2 * x, 0, e)
tz <- function(x, e) sum(g(x, e) * b) / sqrt(drop(g(x, e) %*% V %*% g(x, e)))
q <- qt(0.975, df.residual(m))
w("df = ", df.residual(m))
w("critical = ", num(q))
w("jn_exp_at_ed_12 = ", num(roots(function(x) abs(tz(x, 12)) - q, -50, 150)))
w("jn_ed_at_exp_20 = ", num(roots(function(e) abs(tz(20, e)) - q, -200, 200)))
tp <- deltaMethod(m, "-(b1 + b4*12)/(2*b2)", vcov. = V, parameterNames = n)
w("turning_point = ", num(tp[1:2]))
# Fieller for theta = A/B, A = b1 + 12 b4, B = b2; the point is -theta/2 (Stata's utest).
A <- b[2] + 12 * b[5]; B <- b[3]
s11 <- V[2, 2] + 144 * V[5, 5] + 24 * V[2, 5]; s22 <- V[3, 3]; s12 <- V[2, 3] + 12 * V[5, 3]
disc <- (s12^2 - s11 * s22) * q^2 + B^2 * s11 + A^2 * s22 - 2 * A * B * s12
theta <- (-s12 * q^2 + A * B + c(-1, 1) * q * sqrt(disc)) / (B^2 - s22 * q^2)
w("fieller = ", num(sort(-theta / 2)))
w("share_below = ", num(mean(d$exp < tp[[1]])))
lo <- min(d$exp); hi <- max(d$exp)
w("u_t = ", num(c(tz(lo, 12), tz(hi, 12))))
w("u_p = ", num(max(pt(-tz(lo, 12), df.residual(m)), pt(tz(hi, 12), df.residual(m)))))
w("percentiles = ", num(quantile(d$exp, c(.1, .25, .5, .75, .9), type = 7)))
G <- cbind(0, 1, 2 * d$exp, 0, d$ed)
gm <- colMeans(G)
w("average = ", num(c(sum(gm * b), sqrt(drop(gm %*% V %*% gm)))))

w("\n[logs]")  # b0 + b1 log(wks) + b2 log(wks)^2 + b3 log(wks):ed
m <- lm(lwage ~ log(wks) + I(log(wks)^2) + ed + log(wks):ed, d)
V <- vcovHC(m, "HC1")
b <- coef(m)
w("wks = ", num(c(10, 40, 50)))
w("ed = ", num(c(8, 12, 16)))
effect(m, V, c("(b1 + 2*b2*log(10) + b4*8)/10", "(b1 + 2*b2*log(40) + b4*12)/40",
               "(b1 + 2*b2*log(50) + b4*16)/50"), paste0("b", 0:4))
g <- function(x) c(0, 1, 2 * log(x), 0, 12) / x
tz <- function(x) sum(g(x) * b) / sqrt(drop(g(x) %*% V %*% g(x)))
w("jn_wks_at_ed_12 = ", num(roots(function(x) abs(tz(x)) - qt(.975, df.residual(m)), min(d$wks), max(d$wks))))
w("turning_point = ", num(deltaMethod(m, "exp(-(b1 + b4*12)/(2*b2))", vcov. = V,
                                      parameterNames = paste0("b", 0:4))[1:2]))

w("\n[factor]")  # exp by sex
m <- lm(lwage ~ exp * sex, d)
V <- vcovHC(m, "HC1")
w("levels = ", str(levels(factor(d$sex))))
effect(m, V, c("b1", "b1 + b3"), paste0("b", 0:3))
w("exp = ", num(c(0, 20)))
m2 <- deltaMethod(m, "b2", vcov. = V, parameterNames = paste0("b", 0:3))
m3 <- deltaMethod(m, "b2 + 20*b3", vcov. = V, parameterNames = paste0("b", 0:3))
w("male_effect = ", num(c(m2[[1]], m3[[1]])))
w("male_std_error = ", num(c(m2[[2]], m3[[2]])))

w("\n[cubic]")
m <- lm(lwage ~ exp + I(exp^2) + I(exp^3), d)
V <- vcovHC(m, "HC1")
b <- coef(m)
g <- function(x) c(0, 1, 2 * x, 3 * x^2)
tz <- function(x) sum(g(x) * b) / sqrt(drop(g(x) %*% V %*% g(x)))
w("jn = ", num(roots(function(x) abs(tz(x)) - qt(.975, df.residual(m)), -60, 140, 40001)))

w("\n[states]")
s <- as.data.frame(state.x77)
m <- lm(Income ~ Illiteracy * Murder, s)
w("names = ", str(names(coef(m))))
w("coef = ", num(coef(m)))
w("cov = ", num(vcov(m)))
w("cov_hc3 = ", num(vcovHC(m, "HC3")))
w("df = ", df.residual(m))
w("range = ", num(range(s$Murder)))
w('printed = "interactions::sim_slopes: OUTSIDE [-7.87, 8.51], fdr adjusted t = 2.35"')
