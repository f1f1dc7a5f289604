# Golden numbers for corrected p-values: stats::p.adjust.
#
# Usage: Rscript make_multiplicity.R > multiplicity.toml

num <- function(x) paste0("[", paste(sprintf("%.15g", as.numeric(x)), collapse = ", "), "]")
w <- function(...) cat(..., "\n", sep = "")
p <- c(0.012, 0.0003, 0.21, 0.04, 0.04, 0.97, 0.0081, 0.5, 0.0003, 0.33)

w("[meta]")
w('software = "', R.version.string, '"')
w('call = "p.adjust(p, method)"')
w("\n[adjusted]")
w("p = ", num(p))
for (m in c("bonferroni", "holm", "hochberg", "hommel", "BH", "BY")) {
  w(tolower(m), " = ", num(p.adjust(p, m)))
}
