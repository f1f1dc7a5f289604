# Golden numbers for systems of equations: systemfit.
#
# Usage: MIGDEV_DATA=... Rscript make_systems.R > systems.toml
#
# [kmenta]: the data of Kmenta (1986), from the package. [firms]: Grunfeld, an equation per firm.
# [panel]: two equations on the rows of Grunfeld. [threesls]: Kmenta's market. `cov` holds lower
# triangles by rows; coefficients come equation after equation, in systemfit's order of regressors.

suppressMessages(library(systemfit))
file <- file.path(Sys.getenv("MIGDEV_DATA"), "benchmarks", "grunfeld.csv")
num <- function(x) paste0("[", paste(sprintf("%.15g", as.numeric(x)), collapse = ", "), "]")
low <- function(V) num(t(V)[upper.tri(V, diag = TRUE)])
w <- function(...) cat(..., "\n", sep = "")

w("[meta]")
w('software = "', R.version.string, ", systemfit ", as.character(packageVersion("systemfit")), '"')
w('data = "benchmarks/grunfeld.csv"')
w('sha256 = "', strsplit(system(paste("sha256sum", shQuote(file)), intern = TRUE), " ")[[1]][1], '"')

put <- function(name, ...) {
  f <- systemfit(...)
  w("\n[", name, "]")
  w("params = ", num(coef(f)))
  w("cov = ", low(vcov(f)))
  w("mcelroy = ", sprintf("%.15g", summary(f)$mcelroy.r.squared))
  w("sigma = ", low(f$residCovEst))
}
data(Kmenta)
w("\n[kmenta]")
for (v in names(Kmenta)) w(v, " = ", num(Kmenta[[v]]))
market <- list(demand = consump ~ price + income, supply = consump ~ price + farmPrice + trend)
inst <- ~ income + farmPrice + trend
put("threesls.plain", market, "3SLS", inst = inst, data = Kmenta)
put("threesls.undebiased", market, "3SLS", inst = inst, data = Kmenta, methodResidCov = "noDfCor")
put("threesls.iterated", market, "3SLS", inst = inst, data = Kmenta, maxit = 500, tol = 1e-13)

g <- read.csv(file)
wide <- reshape(g, idvar = "year", timevar = "firm", direction = "wide")
firms <- lapply(c(3, 8), function(i) as.formula(sprintf("inv.%d ~ value.%d + capital.%d", i, i, i)))
names(firms) <- c("f3", "f8")
put("firms.plain", firms, "SUR", data = wide)
put("firms.undebiased", firms, "SUR", data = wide, methodResidCov = "noDfCor")
put("firms.iterated", firms, "SUR", data = wide, methodResidCov = "noDfCor", maxit = 500, tol = 1e-13)
all <- lapply(1:10, function(i) as.formula(sprintf("inv.%d ~ value.%d + capital.%d", i, i, i)))
names(all) <- paste0("f", 1:10)
put("firms.all", all, "SUR", data = wide)
put("panel.plain", list(a = inv ~ value, b = capital ~ value + year), "SUR", data = g)
