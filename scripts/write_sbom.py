"""Write the bill of materials of what runs, as CycloneDX 1.6: `python -m scripts.write_sbom FILE`.

What is in it comes from where installers and browsers get it: the versions and hashes of
`requirements.txt`, and the vendored modules of the client. Licences are what the packages
themselves say, as far as they are installed here.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.check_locks import pins

ROOT: Final = Path(__file__).resolve().parents[1]
_VERSION: Final = re.compile(r'^VERSION = "(.+)"$', re.MULTILINE)
#: A package of the lock file, and all up to the next one. One may be there in two versions, for
#: different systems.
_PACKAGE: Final = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>[^ ;\\]+)(?P<marker>.*\n)(?P<hashes>(?: .*\n?)*)",
    re.MULTILINE,
)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_licences: Final = LicenseFactory()


def bill() -> Bom:
    """All of it; what needs what, as far as it is installed here."""
    bom = Bom()
    version = _VERSION.search((ROOT / "pneumatic/settings.py").read_text(encoding="utf-8"))
    ours = Component(
        name="pneumatic-chat",
        version=version[1] if version else None,
        type=ComponentType.APPLICATION,
        bom_ref="pneumatic-chat",
    )
    bom.metadata.component = ours
    packages: dict[str, list[Component]] = defaultdict(list)
    for each in _packages():
        packages[each.name].append(each)
    modules = list(_modules())
    bom.components.update(*packages.values(), modules)
    direct = pins((ROOT / "requirements.in").read_text(encoding="utf-8"))
    bom.register_dependency(ours, [*chain(*(packages[name] for name in direct)), *modules])
    for name, components in packages.items():
        needed = sorted(_needed_by(name) & packages.keys())
        for component in components:
            bom.register_dependency(component, chain(*(packages[other] for other in needed)))
    return bom


def _packages() -> Iterator[Component]:
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for found in _PACKAGE.finditer(lock):
        name, version = canonicalize_name(found["name"]), found["version"]
        purl = PackageURL("pypi", name=name, version=version)
        yield Component(
            name=name,
            version=version,
            purl=purl,
            bom_ref=str(purl),
            # Some are for other systems than this one.
            scope=ComponentScope.OPTIONAL if ";" in found["marker"] else ComponentScope.REQUIRED,
            licenses=[_licences.make_from_string(said)] if (said := _licence_of(name)) else [],
            # Of each file that an installer may take for it.
            hashes=[
                HashType(alg=HashAlgorithm.SHA_256, content=digest)
                for digest in _HASH.findall(found["hashes"])
            ],
        )


def _modules() -> Iterator[Component]:
    """Those of the browser; their files have checksums of their own."""
    told = (ROOT / "static/vendor/VERSIONS").read_text(encoding="utf-8")
    for name, version, licence in (line.split(" ", 2) for line in told.splitlines()):
        group, _, rest = name.rpartition("/")
        purl = PackageURL("npm", namespace=group or None, name=rest, version=version)
        yield Component(
            group=group or None,
            name=rest,
            version=version,
            purl=purl,
            bom_ref=str(purl),
            licenses=[_licences.make_from_string(licence)],
        )


def _licence_of(name: str) -> str:
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    kinds = [
        each.rpartition(" :: ")[2]
        for each in said.get_all("Classifier") or ()
        if each.startswith("License ::")
    ]
    whole = next(
        filter(None, (said[key] for key in ("License-Expression", "License") if key in said)), ""
    )
    # Some packages put the text itself there.
    return whole if 0 < len(whole) <= 60 else " / ".join(kinds)


def _needed_by(name: str) -> set[str]:
    try:
        wanted = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return set()
    return {canonicalize_name(Requirement(each).name) for each in wanted if "extra ==" not in each}


def main() -> None:
    """Into the file that is named, with the folders that it needs."""
    file = Path(sys.argv[1])
    file.parent.mkdir(parents=True, exist_ok=True)
    writer = make_outputter(bill(), OutputFormat.JSON, SchemaVersion.V1_6)
    writer.output_to_file(str(file), allow_overwrite=True, indent=1)
    print(f"Written: {file}")


if __name__ == "__main__":
    main()
