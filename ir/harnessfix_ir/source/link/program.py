"""All files of a harness together: classes, functions, and which function a call means."""

from collections.abc import Callable, Iterator
from functools import cached_property

from harnessfix_ir.source.facts import Call, ClassFacts, Draft, FileFacts, FunctionFacts
from harnessfix_ir.source.modules import ModuleIndex
from harnessfix_ir.source.words import MODEL_RECEIVER, MODEL_VERBS
from harnessfix_ir.vocabulary import ElementRole

Key = tuple[str, str]

_COMMON = frozenset(
    [
        "get",
        "set",
        "add",
        "append",
        "extend",
        "pop",
        "items",
        "keys",
        "values",
        "update",
        "join",
        "split",
        "strip",
        "format",
        "read",
        "write",
        "close",
        "open",
        "copy",
        "sort",
        "index",
        "count",
        "insert",
        "remove",
        "clear",
        "encode",
        "decode",
        "lower",
        "upper",
        "replace",
        "startswith",
        "endswith",
        "result",
        "start",
        "stop",
        "wait",
        "send",
        "put",
        "acquire",
        "release",
        "info",
        "debug",
        "warning",
        "error",
        "exception",
        "log",
        "print",
        "exists",
        "mkdir",
        "model_dump",
        "dict",
        "json",
        "group",
        "name",
        "path",
        "parse",
        "load",
        "loads",
        "dump",
        "dumps",
        "save",
        "commit",
        "flush",
        "seek",
        "next",
        "iter",
    ]
)
MAX_CANDIDATES = 40
MAX_FAMILY = 60
MAX_NAMESAKES = 200


class Program:
    """Index of a harness and resolution of its calls.

    Functions and classes are known by `(path, qualname)`.
    """

    def __init__(self, files: list[FileFacts]) -> None:
        self.files = {facts.path: facts for facts in files}
        self.modules = ModuleIndex((facts.path, facts.module) for facts in files if facts.module)
        self.functions: dict[Key, FunctionFacts] = {}
        self.classes: dict[Key, ClassFacts] = {}
        self.by_method: dict[str, list[Key]] = {}
        self.by_name: dict[str, list[Key]] = {}
        for facts in files:
            for function in facts.functions:
                key = (facts.path, function.qualname)
                self.functions[key] = function
                name = function.qualname.rpartition(".")[2]
                self.by_name.setdefault(name, []).append(key)
                if function.owner:
                    self.by_method.setdefault(name, []).append(key)
            for found in facts.classes:
                self.classes[(facts.path, found.qualname)] = found
        self._lookups: dict[tuple[str, str], Key | None] = {}
        self._ancestors: dict[Key, list[Key]] = {}
        self._descendants: dict[Key, list[Key]] = {}
        self._implementers: dict[Key, list[Key]] = {}
        self._owners: dict[Key, Key | None] = {}

    def drafts(self, *roles: ElementRole) -> Iterator[tuple[FileFacts, Draft]]:
        """Drafts of these roles with their files."""
        for facts in self.files.values():
            for draft in facts.drafts:
                if draft.role in roles:
                    yield facts, draft

    @cached_property
    def function_drafts(self) -> dict[Key, Draft]:
        """The `function` element of every function."""
        return {(facts.path, draft.qualname): draft for facts, draft in self.drafts(ElementRole.FUNCTION)}

    @cached_property
    def asking(self) -> set[Key]:
        """Functions that ask a model by themselves."""
        return {(facts.path, draft.qualname) for facts, draft in self.drafts(ElementRole.MODEL_CALL)}

    @cached_property
    def subclasses(self) -> dict[Key, list[Key]]:
        """Direct subclasses of every class."""
        found: dict[Key, list[Key]] = {}
        for key in self.classes:
            for base in self.bases(key):
                found.setdefault(base, []).append(key)
        return found

    @cached_property
    def _callable(self) -> set[str]:
        """Every name under which a function or a class of the harness could be called: its own, an alias, an attribute.

        Most calls are of what the harness does not hold, and need not be looked for.
        """
        names = {*self.by_name, *(qualname.rpartition(".")[2] for _, qualname in self.classes)}
        for facts in self.files.values():
            names.update(facts.imports, facts.values)
        for found in self.classes.values():
            names.update(found.attributes)
        return names

    @cached_property
    def _nested(self) -> set[str]:
        """Names of functions that stand inside of functions."""
        inner = ((path, qualname.rpartition(".")) for path, qualname in self.functions)
        return {name for path, (around, _, name) in inner if around and (path, around) not in self.classes}

    def bases(self, key: Key) -> list[Key]:
        """Direct bases of a class that are in the harness."""
        return [base for name in self.classes[key].bases if (base := self.find(name, key[0])) in self.classes and base]

    def ancestors(self, key: Key) -> list[Key]:
        """The class itself and its bases in the harness, nearest first, at most `MAX_FAMILY`."""
        if key not in self._ancestors:
            self._ancestors[key] = self._closure(key, self.bases)
        return self._ancestors[key]

    def descendants(self, key: Key) -> list[Key]:
        """Subclasses of a class in the harness, nearest first, at most `MAX_FAMILY`."""
        if key not in self._descendants:
            self._descendants[key] = self._closure(key, lambda k: self.subclasses.get(k, []))[1:]
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
        facts = self.files[path]
        if (path, name) in self.functions or (path, name) in self.classes:
            return (path, name)
        head, _, rest = name.partition(".")
        if head in facts.values and rest:
            owner = self.find(facts.values[head], path, hops - 1) if hops else None
            return self.method(owner, rest) if owner in self.classes and owner else None
        target = facts.imports.get(head)
        absolute = name if target is None else f"{target}.{rest}" if rest else target
        split = self.modules.split(absolute, path)
        if split is None or not split[1] or not hops:
            return None
        other, inner = split
        return self.find(inner, other, hops - 1) or self._member(inner, other)

    def _member(self, name: str, path: str) -> Key | None:
        """`Class.method` where the method is inherited."""
        owner, _, method = name.rpartition(".")
        key = self.find(owner, path) if owner else None
        return self.method(key, method) if key in self.classes and key else None

    def method(self, owner: Key | None, name: str) -> Key | None:
        """The method that an instance of a class has under that name."""
        if owner is None:
            return None
        for path, qualname in self.ancestors(owner):
            if (path, f"{qualname}.{name}") in self.functions:
                return (path, f"{qualname}.{name}")
        return None

    def attribute_type(self, owner: Key, name: str) -> Key | None:
        """The class of `self.name` where it is plain."""
        for key in self.ancestors(owner):
            kind = self.classes[key].attributes.get(name)
            if kind:
                found = self.find(kind, key[0])
                return found if found in self.classes else None
        return None

    def attribute_types(self, owner: Key) -> dict[str, str]:
        """The dotted types of `self.x` as written, those of the nearest class first."""
        found: dict[str, str] = {}
        for key in reversed(self.ancestors(owner)):
            found.update(self.classes[key].attributes)
        return found

    def owner_of(self, path: str, qualname: str) -> Key | None:
        """The class around a function or around the function that it is nested in."""
        slot = (path, qualname)
        if slot not in self._owners:
            self._owners[slot] = self._owner_of(path, qualname)
        return self._owners[slot]

    def _owner_of(self, path: str, qualname: str) -> Key | None:
        while qualname:
            function = self.functions.get((path, qualname))
            if function is not None and function.owner:
                return (path, function.owner)
            qualname = qualname.rpartition(".")[0]
        return None

    def candidates(self, call: Call, path: str) -> tuple[list[Key], bool]:
        """Functions that a call may mean, and whether the first of them is what the code plainly says.

        Several when subclasses override a method, or when only the method's name is known.
        """
        name = call.callee
        if name.rpartition(".")[2] not in self._callable:
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
            if owner in self.classes and owner:
                return self._with_overrides(owner, name.rpartition(".")[2])
        scope = call.caller if "." in name or name in self._nested else ""
        while scope and scope != "<module>":
            if (path, f"{scope}.{name}") in self.functions and (path, scope) not in self.classes:
                return [(path, f"{scope}.{name}")]
            scope = scope.rpartition(".")[0]
        found = self.find(name, path)
        if found is not None:
            if found in self.classes:
                init = self.method(found, "__init__")
                return [init] if init else []
            return [found]
        return []

    def _super(self, method: str, path: str, caller: str) -> list[Key]:
        owner = self.owner_of(path, caller)
        if owner is None:
            return []
        for base in self.ancestors(owner)[1:]:
            if (base[0], f"{base[1]}.{method}") in self.functions:
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
            if override in self.functions and override not in found:
                found.append(override)
        real = [key for key in found if not self.functions[key].abstract]
        return (real or found)[:MAX_CANDIDATES]

    def implementers(self, owner: Key) -> list[Key]:
        """Classes that have every method of a `Protocol`, which is how duck types meet it."""
        if owner not in self._implementers:
            found: list[Key] = []
            protocol = self.classes[owner]
            wanted = {m for m in protocol.methods if not m.startswith("__")}
            if wanted and any(base.endswith("Protocol") for base in protocol.bases):
                found = [key for key, other in self.classes.items() if key != owner and wanted <= set(other.methods)]
            self._implementers[owner] = found
        return self._implementers[owner]

    def _by_method_name(self, name: str, caller: Key | None) -> list[Key]:
        """Methods of that name anywhere in the harness, those first whose class is named like the receiver."""
        receiver, _, method = name.rpartition(".")
        if method in _COMMON or receiver.endswith("()") or method.startswith("__"):
            return []
        if len(self.by_method.get(method, ())) > MAX_NAMESAKES:
            return []
        owner = "" if caller is None else caller[1]
        found = [key for key in self.by_method.get(method, ()) if self.functions[key].owner != owner]
        if method in MODEL_VERBS and MODEL_RECEIVER.search(receiver):
            found = [key for key in found if key in self.asking]
        found = [key for key in found if not self.functions[key].abstract] or found
        hint = receiver.rpartition(".")[2].strip("_[]").lower()
        if len(found) > 1 and len(hint) > 2:
            found = [key for key in found if hint in self.functions[key].owner.lower()] or found
        return found if len(found) <= MAX_CANDIDATES else []
