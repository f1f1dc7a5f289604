"""Identity: what a specification is called, its content as JSON with a hash, and its source.

Plans, packages and fingerprints name a class by where a user imports it, ``migdev:FixedEffects``,
never by the file in which it stands; so files may move, and a class that only shares a name with
one of ours is another class.
"""

from migdev.identity.code import Code, code_of, rebuild, to_code
from migdev.identity.content import LATER, MADE, canonical, fingerprint, to_json
from migdev.identity.origin import Origin, origin_of, public_name, resolve

__all__ = [
    "Code", "LATER", "MADE", "Origin", "canonical", "code_of", "fingerprint", "origin_of",
    "public_name", "rebuild", "resolve", "to_code", "to_json",
]  # fmt: skip
