"""All files of a harness together: classes, functions, and which function a call means."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeGuard

from harnessfix_ir.source.facts import Call
from harnessfix_ir.source.modules import nearest
from harnessfix_ir.source.words import MODEL_RECEIVER, MODEL_VERBS, words

from .exchange import Exchange
from .tables import CLASS, CLASS_BASES, FUNCTION, IMPORT, MODEL, MODULE, NAMED, SIGNATURE, SUBCLASSES, VALUE

Key = tuple[str, str]
"""Path and qualified name of a function or class."""

_COMMON = words(
    """
    get set add append extend pop items keys values update join split strip format read write close open copy sort index
    count insert remove clear encode decode lower upper replace startswith endswith result start stop wait send put
    acquire release info debug warning error exception log print exists mkdir model_dump dict json group name path parse
    load loads dump dumps save commit flush seek next iter
    """
)
MAX_CANDIDATES = 40
MAX_FAMILY = 60
MAX_NAMESAKES = 200


class Function(NamedTuple):
    """What those need to know of a function who call it; no lines, so that moving it changes nothing for them.

    Args:
        owner: qualified name of the class whose method it is, else empty.
        abstract, traits: as in `FunctionFacts`.
        calls_params: whether it calls one of its parameters.
    """

    owner: str
    abstract: bool
    traits: list[str]
    calls_params: bool


class Signature(NamedTuple):
    """What is handed to a function, as in `FunctionFacts`; only settings ask for it, and they call few functions."""

    params: list[str]
    defaults: dict[str, str]
    star_keywords: bool


class Class(NamedTuple):
    """What other files need to know of a class, as in `ClassFacts`; of the fields their names."""

    bases: list[str]
    methods: list[str]
    fields: list[str]
    attributes: dict[str, str]
    extra: str


class Program:
    """Resolution of the calls of one file after the other.

    Functions and classes are known by `(path, qualname)`. What is found out for one file is forgotten before the next,
    so that all that a file depends on is asked for in its name.

    Args:
        exchange: where functions, classes and imports of other files are asked for.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._knows_bases = False
        self.begin(knows_bases=False)

    def begin(self, *, knows_bases: bool = True) -> None:
        """Start with another file. `knows_bases` says that the bases of all classes are told."""
        self._knows_bases = knows_bases
        self._lookups: dict[tuple[str, str], Key | None] = {}
        self._ancestors: dict[Key, list[Key]] = {}
        self._descendants: dict[Key, list[Key]] = {}
        self._implementers: dict[Key, list[Key]] = {}
        self._owners: dict[Key, Key | None] = {}

    def function(self, key: Key) -> Function | None:
        """What is known of a function, None when there is none."""
        row = self.exchange.of(FUNCTION, *key)
        return None if row is None else Function._make(row)

    def signature(self, key: Key) -> Signature | None:
        """What is handed to a function, None when there is none."""
        row = self.exchange.of(SIGNATURE, *key)
        return None if row is None else Signature._make(row)

    def class_(self, key: Key) -> Class | None:
        """What is known of a class, None when there is none."""
        row = self.exchange.of(CLASS, *key)
        return None if row is None else Class._make(row)

    def is_function(self, key: Key) -> bool:
        """Whether there is a function of that name."""
        return self.exchange.of(FUNCTION, *key) is not None

    def is_class(self, key: Key | None) -> TypeGuard[Key]:
        """Whether there is a class of that name."""
        return key is not None and self.exchange.of(CLASS, *key) is not None

    def asks_model(self, key: Key) -> bool:
        """Whether a function asks a model by itself."""
        return self.exchange.of(MODEL, *key) is not None

    def bases(self, key: Key) -> list[Key]:
        """Direct bases of a class that are in the harness."""
        return [(path, qualname) for path, qualname in self.exchange.of(CLASS_BASES, *key) or ()]

    def find_bases(self, path: str, names: Iterable[str]) -> list[Key]:
        """The classes of the harness that names of bases mean in a file."""
        return [base for name in names if self.is_class(base := self.find(name, path))]

    def _subclasses(self, key: Key) -> list[Key]:
        answers = self.exchange.everywhere(SUBCLASSES, written(key))
        return [(path, qualname) for path, qualnames in answers for qualname in qualnames]

    def ancestors(self, key: Key) -> list[Key]:
        """The class itself and its bases in the harness, nearest first, at most `MAX_FAMILY`."""
        if key not in self._ancestors:
            self._ancestors[key] = self._closure(key, self.bases)
        return self._ancestors[key]

    def descendants(self, key: Key) -> list[Key]:
        """Subclasses of a class in the harness, nearest first, at most `MAX_FAMILY`."""
        if key not in self._descendants:
            self._descendants[key] = self._closure(key, self._subclasses)[1:]
        return self._descendants[key]

    @staticmethod
    def _closure(key: Key, step: Callable[[Key], list[Key]]) -> list[Key]:
        found: dict[Key, None] = {key: None}
        pending = [key]
        for current in pending:  # grows while it is walked
            for other in step(current):
                if other not in found and len(found) < MAX_FAMILY:
                    found[other] = None
                    pending.append(other)
        return list(found)

    def find(self, name: str, path: str, hops: int = 8) -> Key | None:
        """The function or class that a dotted name means in `path`, through at most `hops` imports and re-exports."""
        slot = (path, name)
        if slot not in self._lookups:
            self._lookups[slot] = None  # a name that leads back to itself is nothing
            self._lookups[slot] = self._find(name, path, hops)
        return self._lookups[slot]

    def _find(self, name: str, path: str, hops: int) -> Key | None:
        if self.is_function((path, name)) or self.is_class((path, name)):
            return (path, name)
        head, _, rest = name.partition(".")
        made_of = self.exchange.of(VALUE, path, head) if rest else None
        if made_of is not None:
            owner = self.find(made_of, path, hops - 1) if hops else None
            return self.method(owner, rest) if self.is_class(owner) else None
        target = self.exchange.of(IMPORT, path, head)
        absolute = name if target is None else f"{target}.{rest}" if rest else target
        split = self._split(absolute, path)
        if split is None or not split[1] or not hops:
            return None
        other, inner = split
        return self.find(inner, other, hops - 1) or self._member(inner, other)

    def _split(self, dotted: str, importer: str) -> tuple[str, str] | None:
        """File and rest of a dotted name (`pkg.mod.Class.method` is `Class.method` of `pkg/mod.py`)."""
        head, rest = dotted, ""
        while head:
            files = [path for path, _ in self.exchange.everywhere(MODULE, head)]
            if files:
                return nearest(files, importer), rest
            head, _, tail = head.rpartition(".")
            rest = f"{tail}.{rest}" if rest else tail
        return None

    def _member(self, name: str, path: str) -> Key | None:
        """`Class.method` where the method is inherited."""
        owner, _, method = name.rpartition(".")
        key = self.find(owner, path) if owner else None
        return self.method(key, method) if self.is_class(key) else None

    def method(self, owner: Key | None, name: str) -> Key | None:
        """The method that an instance of a class has under that name."""
        if owner is None or not self._knows_bases:
            return None
        for path, qualname in self.ancestors(owner):
            if self.is_function((path, f"{qualname}.{name}")):
                return (path, f"{qualname}.{name}")
        return None

    def attribute_type(self, owner: Key, name: str) -> Key | None:
        """The class of `self.name` where it is plain."""
        for key in self.ancestors(owner):
            known = self.class_(key)
            kind = known.attributes.get(name) if known else None
            if kind:
                found = self.find(kind, key[0])
                return found if self.is_class(found) else None
        return None

    def attribute_types(self, owner: Key) -> dict[str, str]:
        """The dotted types of `self.x` as written, those of the nearest class first."""
        found: dict[str, str] = {}
        for key in reversed(self.ancestors(owner)):
            known = self.class_(key)
            found.update(known.attributes if known else {})
        return found

    def owner_of(self, path: str, qualname: str) -> Key | None:
        """The class around a function or around the function that it is nested in."""
        slot = (path, qualname)
        if slot not in self._owners:
            self._owners[slot] = self._owner_of(path, qualname)
        return self._owners[slot]

    def _owner_of(self, path: str, qualname: str) -> Key | None:
        while qualname:
            function = self.function((path, qualname))
            if function is not None and function.owner:
                return (path, function.owner)
            qualname = qualname.rpartition(".")[0]
        return None

    def candidates(self, call: Call, path: str) -> tuple[list[Key], bool]:
        """Functions that a call may mean, and whether the first of them is what the code plainly says.

        Several when subclasses override a method, or when only the method's name is known.
        """
        name = call.callee
        last = name.rpartition(".")[2]
        # Most calls are of what the harness does not hold, and need not be looked for; every file has an `__init__`.
        if not last.startswith("__") and not self.exchange.everywhere(NAMED, last):
            return [], False
        found = self._plain(call, path)
        if found:
            return found, True
        if "." not in name or name.startswith("super()."):
            return [], False
        found = self._by_method_name(name, self.owner_of(path, call.caller))
        return found, len(found) == 1

    def _plain(self, call: Call, path: str) -> list[Key]:
        name = call.callee
        if call.receiver == "super()" or name.startswith("super()."):
            return self._super(name.rpartition(".")[2], path, call.caller)
        head, _, rest = name.partition(".")
        if head in ("self", "cls") and rest:
            return self._of_self(rest, path, call.caller)
        if call.receiver:
            owner = self.find(call.receiver, path)
            if self.is_class(owner):
                return self._with_overrides(owner, name.rpartition(".")[2])
        scope = call.caller
        while scope and scope != "<module>":
            if self.is_function((path, f"{scope}.{name}")) and not self.is_class((path, scope)):
                return [(path, f"{scope}.{name}")]
            scope = scope.rpartition(".")[0]
        found = self.find(name, path)
        if found is None:
            return []
        if self.is_class(found):
            init = self.method(found, "__init__")
            return [init] if init else []
        return [found]

    def _super(self, method: str, path: str, caller: str) -> list[Key]:
        owner = self.owner_of(path, caller)
        if owner is None:
            return []
        for base in self.ancestors(owner)[1:]:
            if self.is_function((base[0], f"{base[1]}.{method}")):
                return [(base[0], f"{base[1]}.{method}")]
        return []

    def _of_self(self, rest: str, path: str, caller: str) -> list[Key]:
        owner = self.owner_of(path, caller)
        if owner is None:
            return []
        attribute, _, method = rest.partition(".")
        if not method:
            found = self._with_overrides(owner, attribute)
            if found:
                return found
            kind = self.attribute_type(owner, attribute)
            return self._with_overrides(kind, "__call__") if kind else []
        if "." in method:
            return []
        kind = self.attribute_type(owner, attribute.removesuffix("[]"))
        if kind is not None:
            return self._with_overrides(kind, method)
        return []

    def _with_overrides(self, owner: Key, method: str) -> list[Key]:
        """The method and its overrides in subclasses; stubs only when there is nothing else."""
        found = [key] if (key := self.method(owner, method)) else []
        for child in (*self.descendants(owner), *self.implementers(owner)):
            override = (child[0], f"{child[1]}.{method}")
            if self.is_function(override) and override not in found:
                found.append(override)
        real = [key for key in found if (function := self.function(key)) and not function.abstract]
        return (real or found)[:MAX_CANDIDATES]

    def implementers(self, owner: Key) -> list[Key]:
        """Classes that have every method of a `Protocol`, which is how duck types meet it."""
        if owner not in self._implementers:
            self._implementers[owner] = [*dict.fromkeys(self._implementing(owner))]
        return self._implementers[owner]

    def _implementing(self, owner: Key) -> Iterator[Key]:
        protocol = self.class_(owner)
        if protocol is None or not any(base.endswith("Protocol") for base in protocol.bases):
            return
        wanted = {method for method in protocol.methods if not method.startswith("__")}
        for named in self._named(max(sorted(wanted), key=len)) if wanted else ():  # long names have few bearers
            key = (named.path, named.owner)
            found = self.class_(key) if named.owner and key != owner else None
            if found is not None and wanted <= set(found.methods):
                yield key

    def _named(self, name: str) -> list["Named"]:
        answers = self.exchange.everywhere(NAMED, name)
        return [Named(path, *row) for path, rows in answers for row in rows]

    def functions_named(self, name: str) -> list[Key]:
        """Functions and methods of that name that are no stubs, anywhere in the harness."""
        return [found.key for found in self._named(name) if not found.abstract]

    def _by_method_name(self, name: str, caller: Key | None) -> list[Key]:
        """Methods of that name anywhere in the harness, those first whose class is named like the receiver."""
        receiver, _, method = name.rpartition(".")
        if method in _COMMON or receiver.endswith("()") or method.startswith("__"):
            return []
        methods = [one for one in self._named(method) if one.owner]
        if len(methods) > MAX_NAMESAKES:
            return []
        owner = "" if caller is None else caller[1]
        found = [one for one in methods if one.owner != owner]
        if method in MODEL_VERBS and MODEL_RECEIVER.search(receiver):
            found = [one for one in found if one.asks]
        found = [one for one in found if not one.abstract] or found
        hint = receiver.rpartition(".")[2].strip("_[]").lower()
        if len(found) > 1 and len(hint) > 2:
            found = [one for one in found if hint in one.owner.lower()] or found
        return [one.key for one in found] if len(found) <= MAX_CANDIDATES else []


class Named(NamedTuple):
    """A function as all know it by its name: whose method it is, whether it is a stub, whether it asks a model."""

    path: str
    qualname: str
    owner: str
    abstract: bool
    asks: bool

    @property
    def key(self) -> Key:
        """Path and qualified name."""
        return (self.path, self.qualname)


def written(key: Key) -> str:
    """A function or class as `path:qualname`."""
    return f"{key[0]}:{key[1]}"
