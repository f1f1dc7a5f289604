"""What type checkers see of the diagnostics, whose names load on first use."""

from migdev.diagnostics.breaks.bai_perron import bai_perron as bai_perron
from migdev.diagnostics.causality.granger import dumitrescu_hurlin as dumitrescu_hurlin
from migdev.diagnostics.causality.granger import (
    juodis_karavias_sarafidis as juodis_karavias_sarafidis,
)
from migdev.diagnostics.causality.granger import toda_yamamoto as toda_yamamoto
from migdev.diagnostics.cointegration.durbin_hausman import (
    westerlund_durbin_hausman as westerlund_durbin_hausman,
)
from migdev.diagnostics.cointegration.engle_granger import engle_granger as engle_granger
from migdev.diagnostics.cointegration.gengenbach import gengenbach as gengenbach
from migdev.diagnostics.cointegration.johansen import johansen as johansen
from migdev.diagnostics.cointegration.kao import kao as kao
from migdev.diagnostics.cointegration.pedroni import pedroni as pedroni
from migdev.diagnostics.cointegration.westerlund import westerlund as westerlund
from migdev.diagnostics.convergence.beta import beta_convergence as beta_convergence
from migdev.diagnostics.convergence.gap_breaks import gap_breaks as gap_breaks
from migdev.diagnostics.convergence.gap_tests import gap_tests as gap_tests
from migdev.diagnostics.convergence.gap_tests import gap_to as gap_to
from migdev.diagnostics.convergence.log_t import convergence_clubs as convergence_clubs
from migdev.diagnostics.convergence.log_t import log_t as log_t
from migdev.diagnostics.convergence.sigma import sigma_convergence as sigma_convergence
from migdev.diagnostics.dependence.adjusted_lm import bias_adjusted_lm as bias_adjusted_lm
from migdev.diagnostics.dependence.cross_section import (
    cross_section_dependence as cross_section_dependence,
)
from migdev.diagnostics.dependence.cross_section import pesaran_cd as pesaran_cd
from migdev.diagnostics.dependence.exponent import dependence_exponent as dependence_exponent
from migdev.diagnostics.fit.durbin_watson import baltagi_wu_lbi as baltagi_wu_lbi
from migdev.diagnostics.fit.durbin_watson import bhargava_durbin_watson as bhargava_durbin_watson
from migdev.diagnostics.fit.effects import breusch_pagan_lm as breusch_pagan_lm
from migdev.diagnostics.fit.effects import f_effects as f_effects
from migdev.diagnostics.fit.hausman import hausman as hausman
from migdev.diagnostics.fit.poolability import poolability as poolability
from migdev.diagnostics.fit.serial_correlation import breusch_godfrey as breusch_godfrey
from migdev.diagnostics.fit.serial_correlation import wooldridge_serial as wooldridge_serial
from migdev.diagnostics.fit.slope_homogeneity import slope_homogeneity as slope_homogeneity
from migdev.diagnostics.pretest_table import pretest as pretest
from migdev.diagnostics.unit_roots.balanced import breitung as breitung
from migdev.diagnostics.unit_roots.balanced import hadri as hadri
from migdev.diagnostics.unit_roots.balanced import harris_tzavalis as harris_tzavalis
from migdev.diagnostics.unit_roots.cips import cips as cips
from migdev.diagnostics.unit_roots.fisher import fisher as fisher
from migdev.diagnostics.unit_roots.ips import ips as ips
from migdev.diagnostics.unit_roots.llc import llc as llc
from migdev.diagnostics.unit_roots.panic import panic as panic

_HOME: dict[str, str]
