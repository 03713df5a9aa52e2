"""What is done with one case: each step returns the part of the record that it fills."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus import dockerfiles, peers
from corpus.bench import StepFailedError
from corpus.dockerfiles import TOOLS, VIRTUALENV
from corpus.inside.debian import parse_installed

if TYPE_CHECKING:
    from corpus.bench import Bench
    from corpus.cases import Case
    from corpus.records import Record

# Used as soon as the command has them.
_WANTED_OPTIONS = ("--resolve-missing", "--dlopen")


@dataclass(frozen=True, slots=True)
class Work:
    """A case at a bench: the names of its images and of the volume that holds its virtualenv."""

    case: Case
    bench: Bench

    @property
    def builder(self) -> str:
        """The builder image's name."""
        return f"corpus-builder:{self.bench.suite}-{self.case.name}"

    @property
    def final(self) -> str:
        """The final image's name."""
        return f"corpus-final:{self.bench.suite}-{self.case.name}"

    @property
    def virtualenv(self) -> str:
        """The name of the volume that holds the virtualenv."""
        return f"corpus-app-{self.bench.suite}-{self.case.name}"

    def build(self) -> Record:
        """Build the builder image."""
        outcome = self.bench.build(dockerfiles.builder(self.case, self.bench.suite), self.builder)
        if outcome.returncode:
            return {"built": False, "complaint": outcome.complaint}
        command = (f"{VIRTUALENV}/bin/python", "-m", "pip", "list", "--format=json")
        found = json.loads(self.bench.run(self.builder, *command).stdout)
        versions = {item["name"]: item["version"] for item in found}
        return {"built": True, "seconds": outcome.seconds, "distributions": versions}

    def list(self) -> Record:
        """Run find-libdeps in the builder image, with every option that finds more."""
        command = f"{TOOLS}/bin/find-libdeps"
        usage = self.bench.run(self.builder, command, "--help").stdout
        options = [option for option in _WANTED_OPTIONS if option in usage]
        found = self.bench.module(self.builder, "listing", command, *options, VIRTUALENV)
        known = found.pop("known")
        if found["returncode"]:
            return {**found, "options": options}
        return {
            **found,
            "options": options,
            "elf_files": known["elf_files"],
            "files": known["files"],
            "unresolved": sorted({item["soname"] for item in known["missing"] if not item["plugin"]}),
            "unresolved_by_plugins": sorted({item["soname"] for item in known["missing"] if item["plugin"]}),
            "preloaded": len(known["preloaded"]),
            "opened_missing": sorted({item["soname"] for item in known["opened_missing"]}),
            "unpackaged": sorted({item["path"] for item in known["unpackaged"]}),
            "needs_missing": list(self.case.missing_needs(found["packages"])),
            "needs_exceeded": list(self.case.exceeded_needs(found["packages"])),
            "_known": known,
        }

    def run_final(self, packages: tuple[str, ...]) -> Record:
        """Build the final image, run the check there, and find-libdeps --check."""
        text = dockerfiles.final(self.case, self.bench.suite, self.builder, self.bench.tools_image)
        listed = "".join(f"{name}\n" for name in packages)
        outcome = self.bench.build(text, self.final, {"pkgdeps.txt": listed})
        if outcome.returncode:
            return {"runs": False, "complaint": outcome.complaint}
        before = self._installed(dockerfiles.slim_image(self.bench.suite))
        after = self._installed(self.final)
        new = sorted(set(after) - set(before))
        check = self.bench.engine.run(
            self.final, (f"{VIRTUALENV}/bin/python", "-c", self.case.check), {}, network=False
        )
        base, image = (
            self.bench.engine.inspect(name) for name in (dockerfiles.slim_image(self.bench.suite), self.final)
        )
        return {
            "runs": check.returncode == 0,
            "complaint": check.complaint if check.returncode else "",
            "installed": new,
            "kilobytes": sum(after[name][1] for name in new),
            "layers": len(image["RootFS"]["Layers"]) - len(base["RootFS"]["Layers"]),
            "bytes": image["Size"] - base["Size"],
            "seconds": outcome.seconds,
            "check": self._final_check(),
        }

    def _final_check(self) -> Record:
        command = f"{TOOLS}/bin/find-libdeps"
        if "--check" not in self.bench.run(self.final, command, "--help").stdout:
            return {"passes": None, "said": []}
        outcome = self.bench.run(self.final, command, "--check", VIRTUALENV)
        return {
            "passes": outcome.returncode == 0,
            "said": outcome.stderr.splitlines(),
            "seconds": outcome.seconds,
        }

    def _installed(self, image: str) -> dict[str, tuple[str, int]]:
        format_ = "${db:Status-Abbrev}\t${binary:Package}\t${Version}\t${Installed-Size}\n"
        return parse_installed(self.bench.run(image, "dpkg-query", "-W", "-f", format_).stdout)

    def compare_with_glibc(self, known: dict[str, Any]) -> Record:
        """Ask ld.so for every file of the tree, beside the loader module."""
        found: Record = self.bench.module(self.builder, "glibc", VIRTUALENV)
        absent = {(item["file"], item["soname"]) for item in found.pop("absent")}
        preloaded = absent & {(item["file"], item["soname"]) for item in known["preloaded"]}
        missing = absent & {(item["file"], item["soname"]) for item in known["missing"]}
        # The rest is found in the process that loads the file: the loading object's RPATH serves it as well.
        inherited = absent - preloaded - missing
        return {**found, "preloaded": len(preloaded), "inherited": len(inherited)}

    def compare_with_shlibdeps(self, known: dict[str, Any]) -> Record:
        """Ask dpkg-shlibdeps, and compare what it and find-libdeps list for the files that it can do."""
        found: Record = self.bench.module(self.builder, "shlibdeps", VIRTUALENV, tools=False)
        files = set(found.pop("files"))
        essential = self._essential()
        ours = {
            package["name"]
            for package in known["packages"]
            if any(one["kind"] == "needed" and one["file"] in files for one in package["required_by"])
        }
        theirs = set(found["packages"]) - essential
        return {
            **found,
            "files_compared": len(files),
            "only_ours": sorted(ours - theirs) if found["answers"] else [],
            "only_theirs": sorted(theirs - ours) if found["answers"] else [],
        }

    def _essential(self) -> set[str]:
        """Return what find-libdeps leaves out unless it is asked: what every Debian system has."""
        program = (
            "import json, sys\n"
            "from multistage_docker.debian.dpkg import installed_packages, native_architecture\n"
            "from multistage_docker.debian.essential import essential_closure\n"
            "from multistage_docker.process import SystemRunner\n"
            "runner = SystemRunner()\n"
            "closure = essential_closure(installed_packages(runner), native_architecture(runner))\n"
            "print(json.dumps([package.name for package in closure]))\n"
        )
        return set(json.loads(self.bench.run(self.builder, f"{TOOLS}/bin/python", "-c", program).stdout))

    def prove_needs(self, known: dict[str, Any]) -> Record:
        """Remove each listed package from a container of the final image and see what breaks."""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "known.json").write_text(json.dumps(known), encoding="utf-8")
            arguments = ("/known/known.json", f"{VIRTUALENV}/bin/python", self.case.check)

            def removed(*names: str) -> Record:
                found: Record = self.bench.module(
                    self.final, "needless", *arguments, *names, volumes={folder: "/known:ro"}
                )
                return found

            found = removed()
            # What code opens by name may do without, which shows only where nothing else is missing.
            alone = {
                package["package"]: removed(package["package"])["packages"][0]
                for package in found["packages"]
                if package["opened_only"]
            }
        return {
            **found,
            "packages": [alone.get(package["package"], package) for package in found["packages"]],
        }

    def try_peers(self, shlibdeps: Record | None) -> Record:
        """List with every peer in the builder image, and try what each lists in a slim container."""
        self.bench.engine.fill_volume(self.virtualenv, self.builder, VIRTUALENV)
        tried: Record = {}
        for peer in peers.SCRIPTED:
            outcome = self.bench.run(self.builder, *peer.command(VIRTUALENV))
            tried[peer.name] = self._trial(peers.parse_packages(outcome.stdout), outcome.seconds)
        if shlibdeps is not None:
            complaint = shlibdeps["complaint"]
            if complaint:
                tried[peers.SHLIBDEPS] = {
                    "runs": False,
                    "complaint": complaint,
                    "listing_seconds": shlibdeps["seconds"],
                }
            else:
                tried[peers.SHLIBDEPS] = self._trial(tuple(shlibdeps["packages"]), shlibdeps["seconds"])
        return tried

    def _trial(self, packages: tuple[str, ...], seconds: float) -> Record:
        try:
            found: Record = self.bench.trial(self.virtualenv, self.case.check, packages)
        except StepFailedError as error:
            found = {"runs": False, "complaint": str(error)}
        return {**found, "packages": list(packages), "listing_seconds": seconds}

    def clean(self, *, keep_builder: bool) -> None:
        """Remove the case's images, its volume and its part of the build cache."""
        engine = self.bench.engine
        engine.remove_volume(self.virtualenv)
        engine.remove_images(self.final)
        engine.forget_builds(dockerfiles.final_mark(self.case))
        if not keep_builder:
            engine.remove_images(self.builder)
            engine.forget_builds(dockerfiles.builder_mark(self.case))
