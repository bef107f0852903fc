"""Running tasks in private trees: so often, so many at a time, and never one run in the leavings of another."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

from harnessfix_ir.document import Document
from harnessfix_ir.errors import HarnessfixError
from harnessfix_repairs.patch import Patch

from .worktree import Tree, private_tree


class Replayed(Document):
    """What a replay of recorded model answers came to.

    Args:
        answers: how many the recording holds.
        held: how many requests, from the first on, were the recorded ones.
        difference: where the first other request differs, in words; empty when all were the same.
        step: id of the step that made it.
        reach: by flaw, how many requests were made before its place.
    """

    answers: int
    held: int
    difference: str = ""
    step: str = ""
    reach: dict[str, int] = {}


class TaskResult(Document):
    """One run of one task.

    Args:
        task: its name.
        passed: whether it passed, None when that cannot be said (it could not be run).
        exit_code: of the command, None when its time was up.
        seconds: wall time.
        run_id: of the recorded run, empty without one.
        flaws: ids of the flaws found in it.
        cost: in the currency of the user's model, None when unknown.
        error: why it could not be run.
        stillborn: what a command said that failed before any function of the harness was called; empty otherwise.
        replay: of the recorded answers that it was given, None when it asked for itself.
    """

    task: str
    passed: bool | None
    exit_code: int | None = None
    seconds: float = 0.0
    run_id: str = ""
    flaws: tuple[str, ...] = ()
    cost: float | None = None
    error: str = ""
    stillborn: str = ""
    replay: Replayed | None = None

    @property
    def left_recording(self) -> bool:
        """Whether it went on with answers to other requests than its own, so that its end proves nothing."""
        return self.replay is not None and bool(self.replay.difference)


class RunTask(Protocol):
    """Runs one task in a tree and says how it went. Called from several threads, each time with a tree of its own."""

    def __call__(self, task: str, tree: Tree) -> TaskResult:
        """Run `task` in `tree.path`."""
        ...


Progress = Callable[[int, int, TaskResult], None]


class Runner:
    """Runs tasks on one side, patched or not.

    Args:
        trees: trees to run in; as many runs go on at a time.
        run_task: how a task is run.
        progress: told after each run how many of how many are done, and its result.
    """

    def __init__(self, trees: Sequence[Tree], run_task: RunTask, progress: Progress | None = None) -> None:
        self.trees, self.run_task, self.progress = trees, run_task, progress

    def run(self, tasks: Sequence[str], repeats: int) -> dict[str, list[TaskResult]]:
        """Results by task, in order of repetition; what `run_task` raises becomes a result with an error."""
        free: SimpleQueue[Tree] = SimpleQueue()
        for tree in self.trees:
            free.put(tree)
        jobs = [(task, number) for number in range(repeats) for task in tasks]
        found: dict[tuple[str, int], TaskResult] = {}
        with ThreadPoolExecutor(max_workers=len(self.trees)) as pool:
            pending: dict[Future[TaskResult], tuple[str, int]] = {
                pool.submit(self._one, task, free): (task, number) for task, number in jobs
            }
            try:
                while pending:
                    for future in wait(pending, return_when=FIRST_COMPLETED).done:
                        found[pending.pop(future)] = future.result()
                        if self.progress is not None:
                            self.progress(len(found), len(jobs), future.result())
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return {task: [found[task, number] for number in range(repeats)] for task in tasks}

    def _one(self, task: str, free: "SimpleQueue[Tree]") -> TaskResult:
        tree = free.get()
        try:
            tree.reset()
            return self.run_task(task, tree)
        except HarnessfixError as error:
            return TaskResult(task=task, passed=None, error=str(error))
        except Exception as error:  # a broken runner must not lose the results of the others
            return TaskResult(task=task, passed=None, error=f"{type(error).__name__}: {error}")
        finally:
            free.put(tree)


@contextmanager
def trees(
    root: Path, count: int, patches: Sequence[Patch] = (), *, folder: Path | None = None, untracked: bool = False
) -> Iterator[list[Tree]]:
    """So many private trees with these patches, removed at the end."""
    with ExitStack() as stack:
        made = [stack.enter_context(private_tree(root, folder=folder, untracked=untracked)) for _ in range(count)]
        for tree in made:
            for patch in patches:
                tree.apply(patch)
        yield made
