"""The two ways to check: the runs of a store with their harness, or source alone."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from harnessfix.baseline import FILE, read_baseline, sift
from harnessfix.diagnoser import Diagnosed
from harnessfix.engines import Lasting, choose_engine
from harnessfix.pipeline import EngineFor, Pipeline, Tell
from harnessfix.rules import Rule, Tuning
from harnessfix.rules.selection import select_rules
from harnessfix.settings import Settings, load_settings
from harnessfix.workspace import Workspace, harness_roots
from harnessfix_ir.errors import BadInputError, StoreError
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.source import read_harness
from harnessfix_ir.source.files import Root, find_files
from harnessfix_ir.source.resolve import locate_harness


def chosen_rules(settings: Settings, select: Sequence[str], ignore: Sequence[str]) -> list[Rule]:
    """Rules that the command line and the settings leave; the command line's `select` replaces the settings'."""
    tunings = {code: Tuning(own.model_extra or {}, own.exclude, own.confidence) for code, own in settings.rules.items()}
    return select_rules(select or settings.select, [*settings.ignore, *ignore], tunings)


def check_runs(
    start: Path,
    *,
    store: str | None = None,
    harness: Sequence[str] = (),
    runs: Sequence[str] = (),
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    llm: str | None = None,
    engine: EngineFor = lambda runs: choose_engine(units=runs),
    blocks: str | None = None,
    tell: Tell = lambda what: None,
    expect: Callable[[int], None] = lambda runs: None,
) -> Diagnosed:
    """Diagnose runs of the nearest store, joined with the harness they came from.

    Args:
        start: folder to look from.
        store, harness: instead of the configured ones.
        runs: ids, beginnings of ids, tasks or `latest`; all runs when empty.
        select, ignore: rules.
        llm: a model to ask about what no rule explains; that of the settings when None, if they name one.
        engine: makes the engine for so many runs.
        blocks: folder or URL of a copy of the blocks, to read them from instead of the store.
        tell: told after each run; expect: told their number first.

    Raises:
        StoreError: there is no store, or it holds no run.
    """
    # Both bring SQLAlchemy, which the check of source alone does without.
    from harnessfix.judging import judge_runs
    from harnessfix.store.copies import BlockCopy

    workspace = Workspace.open(start, store=store)
    pipeline = Pipeline(workspace, tell)
    wanted = [workspace.run_id(run) for run in runs] or None
    expected = len(wanted or ()) or workspace.store.run_count()
    if not expected:
        raise StoreError(
            "the store holds no runs yet",
            hint="`harnessfix record -- python your_agent.py` records one; `harnessfix check .` checks source alone.",
        )
    expect(expected)
    rules = chosen_rules(workspace.settings, select, ignore)
    source = [workspace.roots(harness)] if harness else []
    copy = BlockCopy(blocks) if blocks else None
    alone = bool(select or ignore)
    with Lasting(engine) as lasting:
        found = pipeline.diagnose(wanted, rules, source=source, engine=lasting, blocks=copy, alone=alone)
        judge_runs(pipeline, wanted, found, rules, engine=lasting, blocks=copy)
    asked = llm or workspace.settings.llm.model
    if asked:
        from harnessfix.consulting import consult

        consult(pipeline, found, asked)
    return found


def check_paths(
    start: Path,
    paths: Sequence[str],
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    tell: Tell = lambda what: None,
) -> Diagnosed:
    """Diagnose source alone.

    Args:
        start: folder whose settings apply.
        paths: folders, files, or names of installed packages.
        select, ignore: rules.
        tell: told after each harness.

    Raises:
        BadInputError: a path holds no Python file; silence about it would read as success.
    """
    settings = load_settings(start, {})
    rules = chosen_rules(settings, select, ignore)
    found = Diagnosed(severities=settings.severity)
    for path in paths:
        root = locate_harness(path, None).resolve()
        model = read_source([root], settings)
        found.take_source((root,), model, rules)
        tell(path)
    found.consolidate(rules)
    return found


def read_source(roots: Sequence[Path], settings: Settings) -> HarnessModel:
    """The harness in these folders; what is read is kept in `.harnessfix`, without that folder in the user's cache.

    Raises:
        BadInputError: there is no Python file.
    """
    require_python(roots, settings)
    return read_harness(roots, cache_dir=_facts_folder(settings), exclude=settings.exclude)


def _facts_folder(settings: Settings) -> Path | None:
    own = settings.root / ".harnessfix"
    if own.is_dir():
        return own / "cache" / "facts"
    from platformdirs import user_cache_path

    users = user_cache_path("harnessfix", appauthor=False) / "facts"
    return users if users.is_absolute() else None  # of a user without a home folder it is not


def require_python(roots: Sequence[Path], settings: Settings) -> None:
    """Raises `BadInputError` where no Python file lies below the folders: silence about it would read as success."""
    found = (file for root in roots for file in find_files(Root.of(root), settings.exclude))
    if not any(file.language == "python" for file in found):
        raise BadInputError(
            f"{', '.join(map(str, roots))}: there is no Python file here, so nothing can be checked",
            hint="Give the folder of the harness's source, or the name of an installed package.",
        )


def repair_options(start: Path, paths: Sequence[str]) -> dict[Path, str]:
    """What `harnessfix repair` has to be told to find the flaws of `check_paths` again, by folder.

    It is nothing for the folder that the settings name as the harness, and that may be the current one.
    """
    settings = load_settings(start, {})
    own = harness_roots(settings)
    roots = {path: locate_harness(path, None).resolve() for path in paths}
    return {root: "" if own == (root,) else harness_options([path]) for path, root in roots.items()}


def harness_options(names: Sequence[str]) -> str:
    """`--harness` for each name, with a blank before it, as a command line takes them."""
    return "".join(f" --harness {shlex.quote(name)}" for name in names)


def baseline_file(start: Path, asked: str | None, *, write: bool = False) -> Path | None:
    """The baseline that counts: the one asked for, else that of the settings; one to write has a place in any case."""
    if asked is not None:
        return start / asked
    settings = load_settings(start, {})
    if settings.baseline is not None:
        return Path(settings.baseline)
    return settings.root / FILE if write else None


def leave_out_known(found: Diagnosed, path: Path) -> None:
    """Take the flaws of a baseline out of what was found. Raises `BadInputError` when it cannot be read."""
    sifted = sift(found.flaws, read_baseline(path))
    found.flaws, found.known = sifted.new, sifted.known
