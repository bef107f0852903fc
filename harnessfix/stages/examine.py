"""The job that reads, compiles and diagnoses a batch of runs, wherever it is executed.

It depends on nothing but its arguments and the bytes of the runs, and each run is written in one transaction as soon as
it is done: whatever kills the process loses the run it was at, and only the work on it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harnessfix.diagnoser import Leading, as_configured, ask_rules, split_outdated
from harnessfix.diagnoser.reached import joined
from harnessfix.rules import Rule
from harnessfix.rules._way import Way
from harnessfix.store import RunFacts, Store
from harnessfix_collectors.readers import read_bytes
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.errors import BadDocumentError, HarnessfixError
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import Recording
from harnessfix_ir.serial import dump_htir, load_htir
from harnessfix_ir.vocabulary import Outcome, Severity

from . import versions
from .batches import Batch, Task
from .examined import REACHED, Examination, Examined, Said, Sum


@dataclass(frozen=True)
class Harness:
    """A harness as the job needs it.

    Args:
        model: of it.
        static: what its source alone shows.
        wanted: what is to be asked of its runs: rule code to version, and `REACHED` to that of the static findings.
    """

    model: HarnessModel
    static: tuple[Diagnosis, ...]
    wanted: Mapping[str, str]

    @classmethod
    def of(cls, model: HarnessModel, static: Sequence[Diagnosis], rules: Sequence[Rule]) -> "Harness":
        """With the versions that the programs have here."""
        asked = versions.rule_versions(rules)
        spoken = {each.rule for each in static}
        places = [each.model_dump(mode="json") for each in static]
        # What counts as met is up to the rules that spoke, and to what all rules share: that is in their versions.
        reached = versions.digest_of(places, sorted((code, asked[code]) for code in spoken & asked.keys()))
        return cls(model, tuple(static), {**asked, REACHED: reached})


@dataclass(frozen=True)
class Examine:
    """Examine batches of runs; shipped once to each worker, batches after it.

    Args:
        store: where runs are read and results written; another process opens it anew.
        harnesses: by the keys of their models.
        rules: to ask; third-party ones have to be installed where the job is executed.
        severities: as in `Diagnosed`.
        get: reads a block by its digest; the store's own when None.
        alone: these are not all the rules that are asked here: in the store, what the others found stays.
        compiler, asked: versions of the programs and of the rules, which have to be the same everywhere.
    """

    store: Store
    harnesses: Mapping[str, Harness]
    rules: Sequence[Rule]
    severities: Mapping[str, Severity] = field(default_factory=dict)
    get: Callable[[str], bytes] | None = None
    alone: bool = False
    compiler: str = field(default_factory=versions.compiler_version)
    asked: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Note the rules' versions where the job is made."""
        object.__setattr__(self, "asked", versions.rule_versions(self.rules))

    def __call__(self, batch: Batch) -> Examined:
        """Examine these runs and write what was found.

        Raises:
            HarnessfixError: other programs are installed here, or the store cannot be written.
        """
        if (self.compiler, self.asked) != (versions.compiler_version(), versions.rule_versions(self.rules)):
            raise HarnessfixError("a worker runs another harnessfix", hint="Install the same version on every machine.")
        sum_ = Sum(self.severities)
        kept = self.store.examinations([task.run.id for task in batch], Examination)
        unread: list[tuple[Task, str]] = []
        for task in batch:
            key = versions.htir_key(task.run, task.model)
            made_from, before = kept.get(task.run.id, ("", Examination()))
            before = before if made_from == key else Examination()
            whole = before.of(self.harnesses[task.model].wanted)
            if whole is not None:  # an earlier attempt at this batch came as far as this
                sum_.take(task.run, whole, compiled=None)
            elif (htir := compiled_before(self.store, key)) is not None:
                self._finish(task, key, htir, before, sum_)
            else:
                unread.append((task, key))
        for (task, key), recording in self._recordings(unread):
            if isinstance(recording, HarnessfixError):
                sum_.leave_out(task.run, recording)
            else:
                self._finish(task, key, recording, Examination(), sum_)
        return sum_.examined()

    def _recordings(
        self, tasks: Sequence[tuple[Task, str]]
    ) -> Iterator[tuple[tuple[Task, str], Recording | HarnessfixError]]:
        by_run = {task.run.id: (task, key) for task, key in tasks}
        for run_id, recording in self.store.reread([task.run for task, _ in tasks], read, self.get):
            yield by_run[run_id], recording

    def _finish(self, task: Task, key: str, found: Recording | Htir, before: Examination, sum_: Sum) -> None:
        """Compile unless it is, ask the rules that were not asked, and write both."""
        harness = self.harnesses[task.model]
        held = {each.rule: each.version for each in before.said}
        asked = {rule: version for rule, version in harness.wanted.items() if held.get(rule) != version}
        try:
            htir = found if isinstance(found, Htir) else compiled(found, harness.model, task.run)
            said, failed = self._ask(htir, harness, asked)
        except Exception as error:  # a hostile run must not cost the others of its batch
            sum_.leave_out(task.run, error)
            return
        whole = before.with_said(said).model_copy(update={"missing": htir.incomplete})
        # A rule that failed is asked again next time.
        lasting = whole.model_copy(update={"said": tuple(each for each in whole.said if each.rule not in failed)})
        chosen = whole.of(harness.wanted) or whole
        new = not isinstance(found, Htir)
        self.store.keep_examination(
            task.run,
            made_from=key,
            document=lasting,
            current=current_key(key, harness.wanted, self.severities),
            diagnoses=[as_configured(each, self.severities) for each in chosen.diagnoses],
            rules=list(self.asked) if self.alone else None,
            htir=dump_htir(htir).encode() if new else None,
        )
        sum_.take(task.run, chosen, compiled=new)
        sum_.incomplete += failed.values()

    def _ask(self, htir: Htir, harness: Harness, asked: Mapping[str, str]) -> tuple[list[Said], dict[str, str]]:
        """What each rule says, and of the rules that failed what was wrong."""
        said: list[Said] = []
        failed: dict[str, str] = {}
        leading = Leading(htir)
        for rule in self.rules:
            if rule.code not in asked:
                continue
            report = ask_rules(htir, harness.model, [rule])
            current, outdated = report.diagnoses, list[Diagnosis]()
            if current:
                current, outdated = split_outdated(current, htir, harness.model)
            if report.failed:
                failed[rule.code] = report.incomplete.pop()
            said.append(
                Said(
                    rule=rule.code,
                    version=asked[rule.code],
                    diagnoses=tuple(leading.marked(current)),
                    outdated=len(outdated),
                    suppressed=report.suppressed,
                    incomplete=tuple(report.incomplete),
                )
            )
        if REACHED in asked:
            went, aside, unsaid = self._met(htir, harness)
            steps = [each for each in (joined(one, htir) for one in went) if each is not None]
            steps, _ = split_outdated(steps, htir, harness.model)
            said.append(
                Said(
                    rule=REACHED,
                    version=asked[REACHED],
                    reached=tuple(each.flaw for each in went),
                    aside=tuple(each.flaw for each in aside),
                    diagnoses=tuple(leading.marked(steps)),
                    incomplete=tuple(unsaid),
                )
            )
        return said, failed

    def _met(self, htir: Htir, harness: Harness) -> tuple[list[Diagnosis], list[Diagnosis], list[str]]:
        """What the run met of what the source shows, those in functions that it has little to do with, and failures."""
        way = Way(htir, harness.model)
        rules = {rule.code: rule for rule in self.rules}
        went, aside, unsaid = list[Diagnosis](), list[Diagnosis](), dict[str, None]()
        for each in harness.static if htir.reached else ():
            anchor = next((place for place in each.places if way.ran(place)), None)
            if each.rule not in rules or anchor is None:
                continue
            try:  # a rule may come from a third party: its failure is its own
                if not rules[each.rule].met(way, anchor):
                    continue
                far = way.aside(anchor)
            except Exception as error:
                far = False
                words = f"{type(error).__name__}: {error}"
                unsaid[f"rule {each.rule} cannot say whether run {htir.run.id[:8]} met what it found: {words}"] = None
            went.append(each)
            aside += [each] * far
        return went, aside, list(unsaid)


def current_key(made_from: str, rules: Mapping[str, str], severities: Mapping[str, Severity]) -> str:
    """What the diagnoses of a run are made from: its HTIR, the rules by version, the configured severities."""
    configured = {code: severity.value for code, severity in severities.items() if code in rules}
    return versions.digest_of(made_from, sorted(rules.items()), sorted(configured.items()))


def compiled(recording: Recording, model: HarnessModel, run: RunFacts) -> Htir:
    """The compiled run, its outcome as the labels have it: the newest word counts, not what was recorded."""
    outcome = {"outcome": Outcome(run.outcome), "outcome_by": run.outcome_by}
    info = recording.run.model_copy(update=outcome)
    return compile_run(recording.model_copy(update={"run": info}), model)


def compiled_before(store: Store, key: str) -> Htir | None:
    """The HTIR under its content address, None when it is not kept (any more)."""
    held = store.cached("htir", key)
    try:
        return None if held is None else load_htir(held.decode())
    except (BadDocumentError, UnicodeDecodeError):
        return None


def read(data: bytes, format_name: str, filename: str) -> Iterable[Recording]:
    """The recordings in a block's bytes."""
    return read_bytes(data, filename, format_name)
