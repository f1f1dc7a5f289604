# Makes plm_pgmm.toml: MIGDEV_DATA=... Rscript make_plm_pgmm.R > plm_pgmm.toml
suppressMessages(library(plm))
options(digits = 15)
folder <- Sys.getenv("MIGDEV_DATA")
file <- file.path(folder, "benchmarks", "empl_uk.csv")
d <- pdata.frame(read.csv(file), index = c("firm", "year"))
num <- function(x) paste0("[", paste(sprintf("%.14g", x), collapse = ", "), "]")
txt <- function(x) paste0("[", paste0('"', x, '"', collapse = ", "), "]")
put <- function(name, fit) {
  robust <- summary(fit, robust = TRUE); plain <- summary(fit, robust = FALSE)
  k <- rownames(coef(robust))
  cat(sprintf("\n[%s]\n", name))
  cat("names = ", txt(k), "\n", sep = "")
  cat("params = ", num(coef(robust)[, 1]), "\n", sep = "")
  cat("robust = ", num(coef(robust)[, 2]), "\n", sep = "")
  cat("classical = ", num(coef(plain)[, 2]), "\n", sep = "")
  cat("overid = ", sprintf("%.14g", sargan(fit)$statistic), "\n", sep = "")
  cat("overid_df = ", sargan(fit)$parameter, "\n", sep = "")
}
cat("# plm pgmm on the Arellano-Bond employment data; made by make_plm_pgmm.R\n[meta]\n")
cat(sprintf('software = "plm %s, %s"\n', packageVersion("plm"), R.version.string))
cat('data = "benchmarks/empl_uk.csv"\nprinted = "14 significant digits"\n')
cat(sprintf('sha256 = "%s"\n', strsplit(system(paste("sha256sum", file), intern = TRUE), " ")[[1]][1]))
cat('note = "pgmm\'s one-step Sargan and its system AR tests follow other conventions and are left out"\n')
a <- log(emp) ~ lag(log(emp), 1:2) + lag(log(wage), 0:1) + lag(log(capital), 0:2) +
  lag(log(output), 0:2) | lag(log(emp), 2:99)
b <- log(emp) ~ lag(log(emp), 1:2) + lag(log(wage), 0:1) + log(capital) +
  lag(log(output), 0:1) | lag(log(emp), 2:99)
put("table4_a1", pgmm(a, d, effect = "twoways", model = "onestep"))
put("table4_a2", pgmm(a, d, effect = "twoways", model = "twosteps"))
put("table4_b", pgmm(b, d, effect = "twoways", model = "twosteps"))
s <- log(emp) ~ lag(log(emp), 1) + lag(log(wage), 0:1) + lag(log(capital), 0:1) |
  lag(log(emp), 2:99) + lag(log(wage), 2:99) + lag(log(capital), 2:99)
put("blundell_bond", pgmm(s, d, effect = "twoways", model = "onestep", transformation = "ld"))
