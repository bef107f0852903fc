"""Copies of the blocks: in a folder, and in an object store by URL."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from harnessfix.store import Store
from harnessfix.store.copies import BlockCopy
from harnessfix_ir.errors import StoreError
from harnessfix_ir.recording import Recording

MakeRun = Callable[..., Recording]
Add = Callable[..., list[str]]


@pytest.fixture(params=["folder", "url"])
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> BlockCopy:
    """An empty copy; the URL is that of a folder, which obstore serves like any bucket."""
    if request.param == "folder":
        return BlockCopy(str(tmp_path / "blocks"))
    pytest.importorskip("obstore", reason="object stores need `pip install 'harnessfix[objects]'`")
    (tmp_path / "blocks").mkdir()
    return BlockCopy((tmp_path / "blocks").as_uri())


def test_blocks_are_copied_once_and_read_anywhere(store: Store, copy: BlockCopy, make_run: MakeRun, add: Add) -> None:
    add(store, make_run("r"))
    add(store, make_run("s"))
    assert store.copy_blocks(copy.address) == 2
    assert store.copy_blocks(copy.address) == 0
    sent = pickle.loads(pickle.dumps(copy))
    for run in ("r", "s"):
        assert sent(store.blob_digest(run)) == store.blob(run)[0]


def test_a_missing_or_damaged_block_is_named(lite: Store, copy: BlockCopy, make_run: MakeRun, add: Add) -> None:
    add(lite, make_run("r"))
    digest = lite.blob_digest("r")
    with pytest.raises(StoreError, match="is missing"):
        copy(digest)
    copy.put(digest, b"no frame at all")
    with pytest.raises(StoreError, match="is damaged"):
        copy(digest)
