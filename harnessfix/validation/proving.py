"""From flaws to proved patches: propose, validate, remember."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harnessfix.checking import chosen_rules
from harnessfix.repair.proposing import Proposed, Repairs
from harnessfix.repair.remembering import Memory
from harnessfix.tasks import task_names
from harnessfix.validation.replaying import Replay
from harnessfix.validation.validating import Validator
from harnessfix_ir.errors import SettingsError
from harnessfix_ir.findings import FlawRecord
from harnessfix_repairs.memory import remember
from harnessfix_repairs.patch import Patch
from harnessfix_repairs.validation.documents import Validation
from harnessfix_repairs.validation.runner import TaskResult

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Proof:
    """A patch, the flaw it is for, and what its validation came to."""

    flaw: FlawRecord
    patch: Patch
    validation: Validation


def prove(
    repairs: Repairs,
    proposed: Proposed,
    *,
    all_tasks: bool = False,
    tasks: Sequence[str] = (),
    replays: Sequence[Replay] = (),
    tests: bool = False,
    env: dict[str, str] | None = None,
    tell: Tell = lambda what, done, total: None,
) -> list[Proof]:
    """Validate proposed patches and remember what came of it.

    Args:
        repairs: of the workspace.
        proposed: the patches, with their flaws.
        all_tasks: also run tasks that can prove nothing.
        tasks: run these and no others; pytest node ids are run by pytest.
        replays: recorded runs to run again with the answers of their recording, instead of tasks.
        tests: whether to make a regression test of each accepted patch.
        env: variables to set for the tasks.
        tell: told after each run what is proved, and how many of how many runs of that proof are done.
    """
    rules = chosen_rules(repairs.workspace.settings, (), ())
    touched = {symbol for patch in proposed.patches for symbol in patch.spec.allowed.symbols}
    again = {_name(replay): replay.calling(touched) for replay in replays}
    named = [*tasks, *again]
    names = named or _configured(repairs)
    proofs: list[Proof] = []
    now = ""

    def told(done: int, total: int, result: TaskResult) -> None:
        tell(f"{now}: {result.task}", done, total)

    with Validator(repairs.workspace, rules, env=env, replays=again, tell=told) as validator:
        for patch in proposed.patches:
            flaw = proposed.flaws[patch.flaw]
            now = f"{flaw.best.rule} {patch.operator}"
            wanted = names if all_tasks or named else validator.telling_tasks(flaw, names)
            validation = validator.validate(patch, wanted, test_for=flaw if tests else None)
            _remember(repairs, patch, validation)
            proofs.append(Proof(flaw, patch, validation))
    return proofs


def _configured(repairs: Repairs) -> list[str]:
    try:
        return task_names(repairs.pipeline)
    except SettingsError:
        return []


def _name(replay: Replay) -> str:
    return f"replay {replay.run[:8]} ({replay.task})" if replay.task != replay.run[:8] else f"replay {replay.run[:8]}"


def _remember(repairs: Repairs, patch: Patch, validation: Validation) -> None:
    state = validation.outcome.value
    repairs.store.verdicts.save(validation, id=patch.id, flaw=patch.flaw, operator=patch.operator, state=state)
    repairs.store.patches.save(patch, state=state)
    Memory(repairs.store).add(remember(patch, validation, when_ns=time.time_ns()))
