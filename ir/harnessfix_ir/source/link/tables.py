"""What is told in which pass: every table that files ask each other for."""

EXPORTS, BASES, EDGES, USES, SETTINGS, JOINED = "exports", "bases", "edges", "uses", "settings", "joined"

# Told by each file of its own facts alone.
FUNCTION = "function"  # qualname: a `Function`
SIGNATURE = "signature"  # qualname: a `Signature`
CLASS = "class"  # qualname: a `Class`
IMPORT = "import"  # name in a module: what it means elsewhere
VALUE = "value"  # name in a module: the class that it is made of
MODEL = "model"  # qualname that asks a model: whether it belongs to a model class
WORKS = "works"  # qualname that runs a tool, parses or builds context
TOOL = "tool"  # qualname that is a tool by itself
APPROVAL = "approval"  # qualname that asks a person
ANSWERS = "answers"  # qualname of a check that says what it found
CUT = "cut"  # qualname that cuts text: facts of the cut
PARAMETER = "parameter"  # qualname and parameter: what becomes of a section that is handed in
KEYWORDS = "keywords"  # qualname: what becomes of the keywords that it does not name
MAPPING = "mapping"  # empty: classes that a module names in strings
MODULE = "module"  # dotted name of a module
NAMED = "named"  # name that may be called: `[qualname, class, abstract, asks a model]` of functions that bear it
RENDER = "render"  # name of a template: places where it is rendered
FILE = "file"  # name of a file that code names
SETTINGS_FILE = "settings-file"  # empty: names of files with settings
HOOK = "hook"  # word for hooks: what is registered
MOVES = "moves"  # attribute that counts turns: classes that move it in themselves, empty for other objects
STARTS = "starts"  # attribute that counts turns: that it begins at a number
KEY_USE = "key-use"  # key path of a setting: uses and their places
BELOW = "below"  # key path of a section: keys of it that are read by name, and the places
SECTION_USE = "section-use"  # first key: whether something below it is used
IMPORTED = "imported"  # empty: packages that are imported
DECLARED = "declared"  # empty: packages that are declared
OWN_NAMES = "own-names"  # empty: names of the harness's own modules and folders
OWN_TOOL = "own-tool"  # empty: tools that need no registration

# Told when base classes are known.
CLASS_BASES = "class-bases"  # qualname: its bases in the harness
SUBCLASSES = "subclasses"  # class: its direct subclasses

# Told when calls are known.
LEADS = "leads"  # qualname: `Leads`
CALLERS = "callers"  # function: `Callers`, of the calls that may lead to it
UNUSED = "unused"  # check that answers: lines of the calls that do nothing with the answer
GUARDED = "guarded"  # approval: what is called behind it
READING = "reading"  # empty: model calls, what they read of a reply, and what they call

# Told of what a file registers, declares and loads.
OPENED = "opened"  # empty: whether it takes whole settings files in a way that is not understood
REGISTERED = "registered"  # empty: functions that are registered as tools
SCHEMA = "schema"  # empty: declarations of tools

# Told of settings files.
KEY_FACTS = "key-facts"  # place among the file's keys: facts of a configuration key
LOADED = "loaded"  # path of classes: which of them take a file's sections

# Told of the harness as a whole.
TOOL_CHANGES = "tool-changes"  # path: what registrations and schemas say of its tools
MADE_TOOL = "made-tool"  # function that is a tool because it is registered
READING_FACTS = "reading-facts"  # path: what its model calls read of a reply through others
DEPENDENCY_FACTS = "dependency-facts"  # path: imports that are kept, and facts of imports and declarations

_TOLD_IN = {
    EXPORTS: (
        *(FUNCTION, SIGNATURE, CLASS, IMPORT, VALUE, MODEL, WORKS, TOOL, APPROVAL, ANSWERS, CUT),
        *(PARAMETER, KEYWORDS, MAPPING, MODULE),
        *(NAMED, RENDER, FILE, SETTINGS_FILE, HOOK, KEY_USE, BELOW, SECTION_USE, IMPORTED, DECLARED),
        *(OWN_NAMES, OWN_TOOL, MOVES, STARTS),
    ),
    BASES: (CLASS_BASES, SUBCLASSES),
    EDGES: (LEADS, CALLERS, UNUSED, GUARDED, READING),
    USES: (REGISTERED, SCHEMA, OPENED),
    SETTINGS: (KEY_FACTS, LOADED),
    JOINED: (TOOL_CHANGES, MADE_TOOL, READING_FACTS, DEPENDENCY_FACTS),
}
STEP_OF = {table: step for step, tables in _TOLD_IN.items() for table in tables}
"""By table, the pass in which it is told."""
