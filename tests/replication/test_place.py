"""A package is written beside its place: what is there stays until it is whole, and what is not of
a package stays for good."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from migdev.errors import ReportError
from migdev.replication import verify, write_package
from migdev.replication.package import zip_folder
from migdev.replication.place import written_beside
from tests.replication.test_verify import resealed


def contents(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_notes_of_the_user_stay(answer, copied):
    folder = copied()
    (folder / "mynotes.txt").write_text("precious")
    (folder / "data" / "mine").mkdir()
    (folder / "data" / "mine" / "more.txt").write_text("precious too")
    (folder / "mylink").symlink_to("mynotes.txt")
    (folder / "codebook.csv").write_text("to be written again")
    assert write_package(answer, folder) == folder
    assert (folder / "mynotes.txt").read_text() == "precious"
    assert (folder / "data" / "mine" / "more.txt").read_text() == "precious too"
    assert (folder / "mylink").is_symlink()
    outcome = verify(folder, run=False)
    assert outcome.changed == ()
    assert outcome.unlisted == ("data/mine/more.txt", "mylink", "mynotes.txt")
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


def test_a_file_of_the_user_is_not_written_over(answer, copied):
    folder = copied()
    manifest = json.loads((folder / "manifest.json").read_text())
    files = [e for e in manifest["files"] if e["path"] != "codebook.csv"]
    resealed(folder, files=files)
    before = contents(folder)
    with pytest.raises(ReportError, match="holds 'codebook.csv', which the package there does not"):
        write_package(answer, folder)
    assert contents(folder) == before
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


def test_an_interrupted_write_leaves_the_former_package(answer, copied, monkeypatch):
    folder = copied()
    before = contents(folder)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("migdev.replication.package.write_manifest", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_package(answer, folder)
    assert contents(folder) == before
    with pytest.raises(KeyboardInterrupt):
        write_package(answer, folder.parent / "new")
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]
    assert verify(folder, run=False).passed


def test_a_failed_exchange_is_undone(tmp_path, copied, monkeypatch):
    folder = copied()
    before = contents(folder)
    rename = type(folder).rename

    def fails(path, target):
        if path.name.endswith("-former") or not path.name.startswith("."):
            return rename(path, target)
        raise OSError("no")

    monkeypatch.setattr(type(folder), "rename", fails)
    with pytest.raises(OSError, match="no"), written_beside(folder) as new:
        (new / "x").write_text("x")
    assert contents(folder) == before
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("manifest", [None, "{}", '{"files": [], "name": "a web page"}'])
def test_a_foreign_folder_is_refused_before_anything_is_computed(answer, tmp_path, manifest):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "mine.txt").write_text("precious")
    if manifest is not None:
        (tmp_path / "mine" / "manifest.json").write_text(manifest)
    broken = replace(answer, study=object())  # what is computed from it would fail otherwise
    with pytest.raises(ReportError, match="'mine' exists and is not a replication package"):
        write_package(broken, tmp_path / "mine")
    assert (tmp_path / "mine" / "mine.txt").read_text() == "precious"
    (tmp_path / "file").write_text("precious")
    with pytest.raises(ReportError, match="'file' is a file"):
        write_package(broken, tmp_path / "file")


def test_an_archive_takes_the_place_of_one_of_a_package_only(answer, copied):
    folder = copied()
    archive = folder.with_name(f"{folder.name}.zip")
    archive.write_text("precious")
    with pytest.raises(ReportError, match="'copy.zip' exists and is not the archive of a package"):
        write_package(answer, folder, archive=True)
    assert archive.read_text() == "precious"
    archive.unlink()
    zip_folder(folder)
    before = archive.read_bytes()
    (folder / "mynotes.txt").write_text("mine")
    assert zip_folder(folder).read_bytes() == before


def test_an_empty_folder_and_one_to_be_made_are_places(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "deep/er"):
        with written_beside(tmp_path / name) as new:
            (new / "x").write_text("x")
        assert contents(tmp_path / name) == {"x": b"x"}
