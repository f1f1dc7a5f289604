"""Where classes and functions are imported from, and what cannot be imported elsewhere."""

from __future__ import annotations

import inspect
import json
import math
from dataclasses import dataclass, is_dataclass

import numpy as np
import pytest

import migdev as md
from migdev import diagnostics
from migdev.errors import SpecificationError
from migdev.identity import canonical, fingerprint, origin_of, public_name, resolve
from tests.golden.make_former_plans import every
from tests.strangers import ESTIMATOR, SLOPE, install, load, write


def own(imports: str = "", slope: str = SLOPE) -> str:
    return ESTIMATOR.format(imports=imports, slope=slope)


def test_every_public_class_has_its_public_name():
    for name in md._HOME:
        item = getattr(md, name)
        if inspect.isclass(item):
            assert str(origin_of(item)) == f"migdev:{name}"
            assert resolve(f"migdev:{name}") is item
    assert str(origin_of(md.hypotheses.Question)) == "migdev.hypotheses:Question"
    for name in diagnostics._HOME:
        test = getattr(diagnostics, name)
        if inspect.isfunction(test):
            assert str(origin_of(test)) == f"migdev.diagnostics:{name}"
    assert public_name("FixedEffects") == "migdev:FixedEffects"
    assert public_name("Nonsense") is None


def names_in(content: object) -> set[str]:
    """The classes that a plan names."""
    if isinstance(content, dict):
        inner = set().union(*map(names_in, content.values())) if content else set()
        return inner | ({content["class"]} if "class" in content else set())
    return set().union(*map(names_in, content)) if isinstance(content, list) and content else set()


@pytest.mark.parametrize("name", [*md.hypotheses.names(runnable=True), "every"])
def test_no_private_module_stands_in_a_plan(name):
    study = every() if name == "every" else md.hypotheses.get(name).study()
    found = names_in(canonical(study))
    assert len(found) >= 3
    assert all(n.startswith("migdev:") or n == "migdev.hypotheses:Question" for n in found)
    assert "lambda" not in json.dumps(canonical(study))


def test_an_inner_part_of_ours_is_refused():
    from migdev.results.inference import Combination

    with pytest.raises(SpecificationError, match="Combination, an inner part of migdev"):
        origin_of(Combination)


def test_a_class_that_shares_a_name_with_ours_is_another(tmp_path, monkeypatch):
    write(tmp_path, {"homonym.py": own()})
    stranger = load(monkeypatch, tmp_path, "homonym").FixedEffects
    origin = origin_of(stranger)
    assert origin.address == "homonym:FixedEffects"
    assert canonical(stranger())["class"].startswith("homonym:FixedEffects (source ")


def test_a_subclass_of_ours_is_another(tmp_path, monkeypatch):
    text = "import migdev as md\n\nclass Mine(md.FixedEffects):\n    pass\n"
    write(tmp_path, {"heir.py": text + "\nclass FixedEffects(md.FixedEffects):\n    pass\n"})
    module = load(monkeypatch, tmp_path, "heir")
    ours = md.FixedEffects(formula="y ~ x")
    for name in ("Mine", "FixedEffects"):
        theirs = getattr(module, name)(formula="y ~ x")
        assert canonical(theirs)["class"].startswith(f"heir:{name} (source ")
        assert fingerprint(theirs) != fingerprint(ours)


def test_a_distribution_is_named_with_its_version(tmp_path, monkeypatch):
    write(tmp_path, {"remitown/__init__.py": "", "remitown/estimators.py": own()})
    install(tmp_path, "remit-own", "1.2", "remitown/__init__.py", "remitown/estimators.py")
    stranger = load(monkeypatch, tmp_path, "remitown.estimators").FixedEffects
    assert str(origin_of(stranger)) == "remitown.estimators:FixedEffects (remit-own 1.2)"
    assert origin_of(stranger).files == {}


def test_an_editable_install_counts_as_source(tmp_path, monkeypatch):
    """Its source may be that of no release."""
    write(tmp_path / "site", {"__editable__remitown.py": ""})
    write(tmp_path / "work", {"remitown.py": own()})
    install(tmp_path / "site", "remitown", "1.2", "__editable__remitown.py")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    stranger = load(monkeypatch, tmp_path / "work", "remitown").FixedEffects
    assert set(origin_of(stranger).files) == {"remitown.py"}
    assert origin_of(stranger).distributions == tuple(
        f"numpy {version}" for version in [np.__version__]
    )


def test_the_source_of_a_module_and_what_it_imports_is_its_identity(tmp_path, monkeypatch):
    lazy = "import json\n\ndef later():\n    from .. import aside\n    return aside\n"
    files = {
        "lab/__init__.py": "from lab.deep import helper\n",
        "lab/deep/__init__.py": "",
        "lab/deep/helper.py": lazy,
        "lab/aside.py": "try:\n    import unheard_of_module\nexcept ImportError:\n    pass\n",
        "lab/unused.py": "",
        "lab/estimators.py": own("from .deep.helper import later\nimport beside\n"),
        "beside.py": "import scipy\n",
    }
    write(tmp_path, files)
    cls = load(monkeypatch, tmp_path, "lab.estimators").FixedEffects
    origin = origin_of(cls)
    assert list(origin.files) == [
        "beside.py", "lab/__init__.py", "lab/aside.py", "lab/deep/__init__.py",
        "lab/deep/helper.py", "lab/estimators.py",
    ]  # fmt: skip
    assert {name.split()[0] for name in origin.distributions} == {"numpy", "scipy"}
    before = str(origin)
    path = tmp_path / "beside.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert str(origin_of(cls)) == before
    path.write_text("import scipy\nVALUE = 1\n")
    assert str(origin_of(cls)) != before


@dataclass(frozen=True)
class Local:
    x: int = 1

    def method(self) -> int:
        return self.x


def test_what_cannot_be_imported_is_refused_with_advice(tmp_path, monkeypatch):
    @dataclass(frozen=True)
    class Inside:
        x: int = 1

    def function() -> None: ...

    scripted = type("Scripted", (), {"__module__": "__main__"})
    for item, found, advice in (
        (Inside, "Inside, which tests.identity", "at the top level"),
        (function, "function, which tests.identity", "at the top level"),
        (scripted, "Scripted, which was defined in the script or notebook", "my_scripted.py"),
        (lambda: 0, r"without a name \(lambda\)", "with def"),
        (Local().method, "gives another object", "the object that the module holds"),
    ):
        with pytest.raises(SpecificationError, match=found) as refusal:
            origin_of(item)
        assert advice in str(refusal.value)
    with pytest.raises(SpecificationError, match="inner|Inside"):
        canonical({"spec": Inside()})
    write(tmp_path, {"twice.py": "class A:\n    pass\n\nOLD = A\n\nclass A:\n    pass\n"})
    module = load(monkeypatch, tmp_path, "twice")
    assert origin_of(module.A).address == "twice:A"
    with pytest.raises(SpecificationError, match="importing that name gives another object"):
        origin_of(module.OLD)
    monkeypatch.setattr(Local, "__module__", "nowhere.at_all")
    with pytest.raises(SpecificationError, match="No module named 'nowhere'"):
        origin_of(Local)


def test_functions_are_told_by_their_address():
    assert canonical(diagnostics.cips) == {"reference": "migdev.diagnostics:cips"}
    assert canonical(math.log) == {"reference": "math:log"}
    told = canonical(np.log)["reference"]
    assert told == f"numpy:log (numpy {np.__version__})"
    assert is_dataclass(resolve("migdev:FixedEffects"))
    for address in ("migdev", ":x", "migdev:", "migdev:Nonsense", "no_such_module:x"):
        with pytest.raises(SpecificationError, match="cannot be imported"):
            resolve(address)
