"""On which layer a function lies, told from the words that it and the program have for their things.

A guess of the sort that a reader makes who has not opened the function yet; good enough to sort by. No source of words
has more than one say, however many words it gives, and a word that several layers share is shared out among them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from math import fsum
from types import MappingProxyType

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.names import words_in
from harnessfix_ir.vocabulary import ElementRole, Layer

_SAID = {
    Layer.EXECUTION: (
        "exec sandbox docker shell command env process workspace bash python interpreter client request provider http "
        "timeout thread pool concurren async parallel import module transport connection completion cache worker "
        "semaphore evaluate websocket subprocess model llm retry"
    ),
    Layer.TOOL_INTERFACE: (
        "tool pars schema function argument args action mcp call param signature annotation docstring json kwarg type "
        "field property hint decorator"
    ),
    Layer.CONTEXT: (
        "memor prompt messag context histor templat render summar truncat compact instruction window system "
        "conversation document chat content image multimodal item file part text thinking reasoning knowledge retriev "
        "trim format dependencies session"
    ),
    Layer.LIFECYCLE: (
        "agent loop run runner graph team turn step handoff hand retry retries attempt flow node pipeline stream state "
        "checkpoint resume hook close cleanup cancel copy clone task terminat iteration plan interrupt delta chunk "
        "workflow override delegate member exit stop lifespan invoke start end reset"
    ),
    Layer.OBSERVABILITY: (
        "trac span telemetry otel usage log logger logging monitor metric record event replay cost token debug report "
        "serializ dump error exception warn callback status save trajectory timestamp attribute instrument"
    ),
    Layer.VERIFICATION: (
        "scor judge eval verif valid assert check submit submission final grade output answer refusal finish reason "
        "structured reward result accuracy"
    ),
    Layer.GOVERNANCE: (
        "approv permission policy guard redact secret allow deny denied confirm human limit budget quota credential "
        "forbid authori consent interrupt restrict sanitiz blocked access unsafe safe trust rate max"
    ),
}
"""How words of a layer begin; those of up to three letters are meant whole, or in the plural."""
WHOLE = 3
_LAYERS_OF = {
    stem: [layer for layer, stems in _SAID.items() if stem in stems.split()]
    for every in _SAID.values()
    for stem in every.split()
}
LONGEST = max(map(len, _LAYERS_OF))

_PARTS = {
    ElementRole.APPROVAL: Layer.GOVERNANCE,
    ElementRole.VERIFIER: Layer.VERIFICATION,
    ElementRole.SUBMISSION: Layer.VERIFICATION,
    ElementRole.CONTEXT_BUILDER: Layer.CONTEXT,
    ElementRole.MEMORY: Layer.CONTEXT,
    ElementRole.TRUNCATION: Layer.CONTEXT,
    ElementRole.PROMPT: Layer.CONTEXT,
    ElementRole.PARSER: Layer.TOOL_INTERFACE,
    ElementRole.TOOL: Layer.TOOL_INTERFACE,
    ElementRole.TOOL_REGISTRY: Layer.TOOL_INTERFACE,
    ElementRole.SUBPROCESS: Layer.EXECUTION,
    ElementRole.REQUEST: Layer.EXECUTION,
    ElementRole.AGENT_LOOP: Layer.LIFECYCLE,
    ElementRole.RETRY: Layer.LIFECYCLE,
}
"""Elements that say what their function is there for; handlers, loops and loggers stand in all sorts of functions."""


def layer_of(
    function: Anchor,
    *,
    parts: Mapping[ElementRole, int] = MappingProxyType({}),
    called: Iterable[str] = (),
    shared: Mapping[str, float] = MappingProxyType({}),
    program: Set[str] = frozenset(),
) -> Layer:
    """The layer of a function.

    Args:
        function: where it is.
        parts: roles of the elements in it that ran, with how many there are.
        called: names of what it calls.
        shared: names of the program that stand in what ran of it, each with how rare it is.
        program: all names of the program.
    """
    name = function.qualname.rpartition(".")[2]
    folders = function.path.removesuffix(".py").split("/")[1:]
    sources = (
        _of_names({name: 1.0}),
        _of_names(dict.fromkeys(folders, 1.0)),
        _of_names(shared),
        _of_names({each.rpartition(".")[2]: 1.0 for each in called}),
        _of_parts(parts),
        _of_names(dict.fromkeys(program, 1.0)),
    )
    total = dict.fromkeys(Layer, 0.0)
    for said in sources:
        whole = 1 + fsum(said.values())
        for layer, weight in said.items():
            total[layer] += weight / whole
    likeliest = max(total, key=lambda layer: total[layer])
    return likeliest if total[likeliest] else Layer.LIFECYCLE


def layer_in(run: Htir, model: HarnessModel, function: Element) -> Layer:
    """The layer of a function of which nothing is known but that a run came to it.

    Args:
        run: that did.
        model: its harness.
        function: where it came to.
    """
    anchor, program = function.anchor, frozenset(run.run.program)
    names = function.value("names")
    return layer_of(
        anchor,
        parts=Counter(element.role for element in model.in_function(anchor.path, anchor.qualname)),
        called=(name for name, _ in model.called.get(anchor.symbol, ())),
        shared=dict.fromkeys(program & names.keys(), 1.0) if isinstance(names, dict) else {},
        program=program,
    )


def _of_names(names: Mapping[str, float]) -> dict[Layer, float]:
    said: dict[Layer, float] = {}
    for name, weight in sorted(names.items()):  # sums of fractions depend on their order, and sets have none
        for word in sorted(words_in(name)):
            layers = _layers_of(word)
            for layer in layers:
                said[layer] = said.get(layer, 0.0) + weight / len(layers)
    return said


def _of_parts(parts: Mapping[ElementRole, int]) -> dict[Layer, float]:
    said: dict[Layer, float] = {}
    for role, count in parts.items():
        if role in _PARTS:
            said[_PARTS[role]] = said.get(_PARTS[role], 0.0) + count
    return said


def _layers_of(word: str) -> list[Layer]:
    """The layers that a word speaks of, by the longest beginning of it that is listed."""
    for length in range(min(len(word), LONGEST), WHOLE, -1):
        if word[:length] in _LAYERS_OF:
            return _LAYERS_OF[word[:length]]
    return _LAYERS_OF.get(word.removesuffix("s"), [])
