"""The rules of the Data and Code Availability Standard, checked where a program can."""

from __future__ import annotations

from dataclasses import dataclass

PASS, FAIL, HUMAN = "pass", "fail", "not checkable by program"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What the checks need to know of a package."""

    data_included: bool
    data_note: str
    sources_named: bool
    sources_cited: bool
    preparation: bool
    labelled: bool
    plan: bool
    licence: bool


def checklist(facts: Contents) -> list[tuple[int, str, str, str]]:
    """(number, rule, outcome, note) for rules 1 to 13, and the three rules on sharing.

    References
    ----------
    Data and Code Availability Standard, version 1.0, datacodestandard.org.
    """
    yes = {True: PASS, False: FAIL}
    return [
        (1, "Data availability statement", yes[facts.sources_named],
         "README.md, section 1" if facts.sources_named else "the panel names no source"),
        (2, "Raw data", PASS if facts.preparation else HUMAN,
         "data/raw" if facts.preparation else "analysis data only; deposit or cite the raw files"),
        (3, "Analysis data", yes[facts.data_included], facts.data_note),
        (4, "Format of data", PASS, "comma-separated text"),
        (5, "Metadata", yes[facts.labelled],
         "codebook.csv" if facts.labelled else "codebook.csv lacks labels for some variables"),
        (6, "Citation of data", yes[facts.sources_cited],
         "references.bib" if facts.sources_cited else
         "a source states no citation: give it in the [source] table of the columns file"),
        (7, "Data transformation", yes[facts.preparation],
         "code/prepare.py" if facts.preparation else "no code from raw to analysis data was given"),
        (8, "Analysis", PASS, "code/run.py"),
        (9, "Format of code", PASS, "Python source"),
        (10, "Instruments", HUMAN, "no survey or experiment is known to the program"),
        (11, "Ethics", HUMAN, "state approval where it applies"),
        (12, "Pre-registration", PASS if facts.plan else HUMAN,
         "plan with its hash in README.md" if facts.plan else "no plan was registered"),
        (13, "Documentation", PASS, "README.md on the social-science data editors' template"),
        (14, "Location", HUMAN, "deposit the folder in a trusted archive"),
        (15, "Licence", yes[facts.licence], "LICENSE.txt"),
        (16, "Omissions", yes[facts.data_included],
         "nothing is omitted" if facts.data_included else "README.md says what is and why"),
    ]  # fmt: skip
