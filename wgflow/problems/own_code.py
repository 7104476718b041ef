"""Functions in Python files beside a problem: known by their checksums, and run only where that is allowed."""

from __future__ import annotations

import difflib
import hashlib
import json
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from wgflow.domains import Domain
from wgflow.errors import ComputationError, InputError, WgflowError
from wgflow.functionals import Functional
from wgflow.measures import Particles
from wgflow.problems.sections import split_reference
from wgflow.system.paths import kind_of, reason_of
from wgflow.text import named, shown

if TYPE_CHECKING:
    from wgflow.functionals import FeatureMap, GridFunctional, ParticlePotential
    from wgflow.typing import FloatArray

CODE = "code"  # the attribute of trajectories that names the files and their checksums
LARGEST_FILE = 2**22  # bytes
SHOWN_DIGITS = 12  # of a checksum
Made = TypeVar("Made")


@dataclass(frozen=True)
class OwnFunction:
    """A function of a problem, or an object or class with functions, whose errors say where they come from.

    Parameters
    ----------
    reference : str
        What the problem calls it, "FILE.py:NAME".
    path : Path
        The file.
    function : callable, or object
        The function.
    """

    reference: str
    path: Path
    function: Any

    def __call__(self, *arguments: Any) -> Any:
        """Call it; raises ComputationError where it raises anything."""
        try:
            return self.function(*arguments)
        except WgflowError:
            raise
        except Exception as error:  # of code by others, of which nothing is known
            raise ComputationError(f"{self.reference} {_failure(error, self.path)}") from error

    def made(self) -> OwnFunction:
        """The object of a class, made without arguments; anything else as it is."""
        if not isinstance(self.function, type):
            return self
        try:
            return replace(self, function=self.function())
        except Exception as error:  # of code by others, of which nothing is known
            hint = "; give an object, or a class that is made without arguments"
            raise InputError(f"{self.reference} {_failure(error, self.path)}{hint}") from error

    def method(self, name: str) -> OwnFunction | None:
        """A method by its name, the function itself being its ``value``; None where there is none."""
        found = _part(self.function, name)
        if found is None and name == "value":
            found = self.function
        return OwnFunction(f"{self.reference}.{name}", self.path, found) if callable(found) else None


@dataclass(frozen=True)
class CodeFile:
    """A file of functions.

    Parameters
    ----------
    path : str
        Where it was read.
    sha256 : str
        Checksum of its bytes.
    """

    path: str
    sha256: str


@dataclass(frozen=True)
class WithheldFunctional(Functional):
    """A functional whose code may not be run, as those hear who need it.

    Parameters
    ----------
    withheld : str
        What they hear.
    """

    withheld: str

    def on_grid(self, domain: Domain) -> GridFunctional:  # noqa: ARG002
        """Raise InputError."""
        raise InputError(self.withheld)

    def at_particles(self, particles: Particles) -> ParticlePotential:  # noqa: ARG002
        """Raise InputError."""
        raise InputError(self.withheld)

    def neurons_at(self, inputs: FloatArray, components: int) -> FeatureMap:  # noqa: ARG002
        """Raise InputError."""
        raise InputError(self.withheld)


@dataclass(frozen=True)
class OwnCode:
    """The functions of a problem by their references, and the files that they come from by their names there.

    Parameters
    ----------
    functions : mapping of str to OwnFunction
        The functions.
    files : mapping of str to CodeFile
        The files.
    withheld : str
        Why nothing was run, as the message for those who need a function; empty where all was.
    """

    functions: Mapping[str, OwnFunction] = field(default_factory=dict)
    files: Mapping[str, CodeFile] = field(default_factory=dict)
    withheld: str = ""

    def __getitem__(self, reference: str) -> OwnFunction:
        """A function; raises InputError where its file was not run, or it cannot be called."""
        found = self._found(reference)
        if not callable(found.function):
            raise InputError(f"{reference} is an object that cannot be called; give a function")
        return found

    def with_methods(
        self,
        reference: str,
        needed: Iterable[str],
        *,
        optional: Iterable[str] = (),
        flags: Iterable[str] = (),
        given: Mapping[str, OwnFunction] | None = None,
    ) -> SimpleNamespace:
        """Give something with methods: an object, or a class that is made without arguments.

        Parameters
        ----------
        reference : str
            What the problem calls it; it becomes the ``name``.
        needed, optional : iterable of str
            Its methods. A function is its own ``value``.
        flags : iterable of str
            Attributes that are true or false, and false where they are missing.
        given : mapping of str to OwnFunction, optional
            Functions that take the place of methods.

        Raises
        ------
        InputError
            If its file was not run, it cannot be made, or a method is missing.
        """
        owner, names = self._found(reference).made(), list(needed)
        methods = {name: owner.method(name) for name in (*names, *optional)} | dict(given or {})
        missing = [name for name in names if methods[name] is None]
        if missing:
            raise InputError(
                f"{reference} has no {' and no '.join(missing)}; give an object or class with the methods "
                f"{', '.join(names)}"
            )
        parts = {name: method for name, method in methods.items() if method is not None}
        return SimpleNamespace(name=reference, **parts, **{name: bool(_part(owner.function, name)) for name in flags})

    def _found(self, reference: str) -> OwnFunction:
        if reference not in self.functions:
            raise InputError(self.withheld or f"{reference} was not read; open the problem again")
        return self.functions[reference]

    @property
    def attributes(self) -> dict[str, str]:
        """The attribute of a trajectory that tells the files and their checksums; none without files."""
        files = {name: {"path": file.path, "sha256": file.sha256} for name, file in self.files.items()}
        return {CODE: json.dumps(files)} if files else {}


def tried(reference: str, work: Callable[[], Made]) -> Made:
    """Give what some work with own code makes; raises InputError that names it where the work fails."""
    try:
        return work()
    except WgflowError as error:
        what = "" if reference in str(error) else f"{reference}: "
        raise InputError(f"{what}{error}") from error


def read_code(references: Iterable[str], folder: Path, *, allow: bool) -> OwnCode:
    """Run the files of some references.

    Parameters
    ----------
    references : iterable of str
        What a problem names, "FILE.py:NAME" with files relative to its folder.
    folder : Path
        The folder.
    allow : bool
        Whether they may be run.

    Raises
    ------
    InputError
        If there are any and they may not be run, or a file leads out of the folder, cannot be read, fails, or has no
        such function.
    """
    wanted = list(dict.fromkeys(references))
    if wanted and not allow:
        raise InputError(needs_permission(wanted[0], split_reference(wanted[0])[0]))
    return _run(wanted, {name: _inside(folder, name) for name in _files_of(wanted)})


def needs_permission(reference: str, file: str) -> str:
    """Say that code is not run without permission, and how it is given once the file was read."""
    return (
        f"{shown(reference)} is Python code, which can do anything that you can: read {named(file)}, then allow it by "
        "--allow-code (allow_code=True in Python)"
    )


def stored_code(references: Iterable[str], attributes: Mapping[str, Any], path: Path, *, allow: bool) -> OwnCode:
    """Run the files of a problem in a trajectory where they were, if they are still the same.

    Parameters
    ----------
    references : iterable of str
        What the problem names.
    attributes : mapping
        Attributes of the trajectory.
    path : Path
        Its file, for messages.
    allow : bool
        Whether they may be run; else the functions are withheld.

    Raises
    ------
    InputError
        If a file cannot be read or is not the one that the run had.
    """
    wanted, known = list(dict.fromkeys(references)), stored_files(attributes)
    if wanted and not allow:
        file = split_reference(wanted[0])[0]
        return OwnCode(withheld=needs_permission(wanted[0], known[file].path if file in known else file))
    missing = [name for name in _files_of(wanted) if name not in known]
    if missing:
        raise InputError(f"{path} does not say where {named(missing[0])} was; it is damaged")
    for name in _files_of(wanted):
        _check_same(name, CodeFile(known[name].path, _checksum(_content(Path(known[name].path)))), known[name], path)
    return _run(wanted, {name: Path(known[name].path) for name in _files_of(wanted)})


def check_same_code(code: OwnCode, attributes: Mapping[str, Any], path: Path) -> None:
    """Raise InputError if the run in a file had other code."""
    known = stored_files(attributes)
    for name, file in code.files.items():
        if name in known:
            _check_same(name, file, known[name], path)


def stored_files(attributes: Mapping[str, Any]) -> dict[str, CodeFile]:
    """Files that the attributes of a trajectory tell of; none where they are damaged."""
    try:
        found = json.loads(attributes.get(CODE, "{}"))
        return {name: CodeFile(str(file["path"]), str(file["sha256"])) for name, file in found.items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        return {}


def _check_same(name: str, found: CodeFile, stored: CodeFile, path: Path) -> None:
    if found.sha256 != stored.sha256:
        raise InputError(
            f"{path} holds a run with another {named(name)}: sha256 {named(stored.sha256[:SHOWN_DIGITS])}... there, "
            f"{found.sha256[:SHOWN_DIGITS]}... in {found.path}; restore the file, or choose another output"
        )


def _files_of(references: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(split_reference(reference)[0] for reference in references))


def _inside(folder: Path, name: str) -> Path:
    """Path of a file; raises InputError where it leads out of the folder, by links too."""
    path = folder / name
    if kind_of(path, "code") != "file":
        raise InputError(f"code {path} does not exist; paths are relative to the problem file")
    real = path.resolve()
    if not real.is_relative_to(folder.resolve()):
        raise InputError(f"code {path} leads to {real}, out of the folder of the problem; put the file itself there")
    return real


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"code {path} is larger than {LARGEST_FILE >> 20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"code {path} cannot be read: {reason_of(error)}") from None


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _run(references: Iterable[str], paths: Mapping[str, Path]) -> OwnCode:
    """Run files, and take the functions of some references from them."""
    modules: dict[str, ModuleType] = {}
    files: dict[str, CodeFile] = {}
    for name, path in paths.items():
        content = _content(path)
        files[name] = CodeFile(str(path), _checksum(content))
        modules[name] = _module(name, path, content, files[name].sha256)
    return OwnCode({reference: _function(reference, modules, paths) for reference in references}, files)


def _module(name: str, path: Path, content: bytes, checksum: str) -> ModuleType:
    """Run the very bytes that were read; raises InputError where they fail."""
    module = ModuleType(f"wgflow_code_{checksum}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where classes look for their own module
    try:
        exec(compile(content, str(path), "exec"), module.__dict__)
    except (Exception, SystemExit) as error:  # of code by others, of which nothing is known
        raise InputError(f"code {named(name)} {_failure(error, path)}") from error
    return module


def _function(reference: str, modules: Mapping[str, ModuleType], paths: Mapping[str, Path]) -> OwnFunction:
    file, name = split_reference(reference)
    found = getattr(modules[file], name, None)
    if not _is_own(found):
        functions = [key for key, value in vars(modules[file]).items() if _is_own(value) and key[0] != "_"]
        guesses = difflib.get_close_matches(name, functions, n=1)
        hint = f" (did you mean {guesses[0]!r}?)" if guesses else ""
        raise InputError(f"code {named(file)} has no function {shown(name)}{hint}")
    return OwnFunction(reference, paths[file], found)


def _is_own(found: object) -> bool:
    """Whether something is a function, a class, or an object with the method ``value``."""
    return callable(found) or callable(_part(found, "value"))


def _part(owner: object, name: str) -> Any:
    """An attribute; None where there is none, or asking for it fails."""
    try:
        return getattr(owner, name, None)
    except Exception:  # of code by others, of which nothing is known
        return None


def _failure(error: BaseException, path: Path) -> str:
    """Where in a file an error comes from, and what it is, in one line."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    if isinstance(error, SyntaxError) and error.filename == str(path):
        lines.append(error.lineno)
    where = f" (line {lines[-1]})" if lines else ""
    said = named(error.msg if isinstance(error, SyntaxError) else error, 200)
    return f"failed{where}: {type(error).__name__}" + (f": {said}" if said else "")
