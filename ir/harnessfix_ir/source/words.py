"""Names that harness authors give to things, gathered in one place.

A name alone is never proof: roles that rest on these say `heuristic`, or ask for a second sign.
"""

import re


def words(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


MODEL_VERBS = words(
    """
    query _query aquery complete acomplete completion acompletion chat achat generate agenerate
    generate_stream call_model call_llm ask ask_model ask_llm invoke ainvoke predict apredict __call__
    request request_stream get_response stream_response respond infer sample get_completion
    create_completion chat_completion generate_response get_model_response query_model query_llm
    llm_call model_call _call _generate _agenerate _chat _complete run_model call_api _call_api create
    create_stream stream astream _stream _astream stream_chat astream_chat chat_stream
    """
)
MODEL_VERB = re.compile(
    r"^_*(a|async_?)?(call|query|ask|prompt|invoke|request|sample|generate|create)_?(the_)?"
    r"(llm|model|gpt|claude|openai|anthropic|chat|completion)(_response|_completion|_output|_reply|_api|_once|_with_\w+)?$"
    r"|^_*get_(llm|model|gpt|claude|openai|anthropic|chat)_(response|completion|output|reply)$|^_*run_(llm|model)$"
)
MODEL_OWNER = re.compile(
    r"(Model|LLM|Llm|Lm|LM|Client|Provider|Chat|Completions?|Responder|Gpt|GPT|Claude|Backend|API|Api)"
    r"(s|V\d|Impl|Wrapper|Adapter|Base)?\d*$"
)
NOT_MODEL_OWNER = re.compile(
    r"(Config|Settings|Error|Exception|Response|Message|Params|Info|BaseModel|Stats|Registry)$"
)
# Objects that ask a model when they are called: modules of DSPy.
MODEL_OBJECT = re.compile(
    r"(^|\.)dspy\.(\w+\.)*(Predict|ChainOfThought|ProgramOfThought|ReAct|CodeAct|MultiChainComparison)$"
)
SCRIPTED_OWNER = re.compile(r"(Scripted|Fake|Mock|Dummy|Stub|Deterministic|Replay|Canned|Echo|Test)")
MODEL_MODULE = re.compile(
    r"(^|[_.])(models?|llms?|clients?|providers?|openai|anthropic|litellm|chat)([_.]|$)|_(model|llm|client)$"
)
MESSAGES_PARAMS = words(
    """
    messages message_history msgs history conversation chat_history input_messages chat_messages prompt
    prompts input inputs context request text question query user_input user_message message transcript
    dialog
    """
)
STRICT_MESSAGES = words(
    """
    messages message_history msgs history conversation chat_history input_messages chat_messages prompt
    prompts transcript dialog input
    """
)
MODEL_RECEIVER = re.compile(
    r"(^|[._])(model|llm|lm|chat_model|chatbot|gpt|claude|model_client|llm_client)(\[\]|\(\))*$"
)

MESSAGES_NAME = re.compile(
    r"(^|[._])(\w*messages|msgs|\w*history|conversation|transcript|dialog(ue)?|"
    r"input_items|turns|chat_log|memory)$"
)
OUTPUT_NAME = re.compile(
    r"(^|[._])(output|outputs|content|text|result|observation|obs|stdout|stderr|response|body|log|logs|tool_result|"
    r"tool_output|error|traceback|message|reply|data|page|html|source|file_content|snippet|lines)\b",
    re.IGNORECASE,
)
LIMIT_NAME = re.compile(
    r"(^|_)(max|limit|limits|budget|timeout|deadline|remaining|cap|quota|ceiling)(_|$)|(limit|budget|timeout)s?$",
    re.IGNORECASE,
)
COUNTER_NAME = re.compile(
    r"(^|_|\.)(n|num|count|counter|step|steps|turn|turns|iteration|iterations|iter|i|attempt|attempts|retries|tries|"
    r"calls|rounds?|cost|spent|elapsed|tokens|errors|failures)(_|$)|(step|turn|iteration|attempt|call|retr)\w*(count|number|index|s)?$",
    re.IGNORECASE,
)
RUN_LIMIT = re.compile(
    r"step|turn|iter|cost|budget|call|deadline|elapsed|limit|quota|token|attempt|round|spent", re.IGNORECASE
)
PROMPT_NAME = re.compile(r"(template|prompt|system|instruction|persona|preamble)", re.IGNORECASE)
PARSER_NAME = re.compile(
    r"^_*(a?parse|extract|decode|interpret|split|find|get)_\w*(action|tool|call|command|code|response|output|answer|"
    r"completion|reply|arguments|args|json|block|xml|thought|message|content|blob|choice)|^_*parse_?$"
)
PARSER_OF_MODEL = re.compile(
    r"^_*a?(parse|extract)_(\w+_)?(actions?|tool_?calls?|commands?|code(_blocks?|_blobs?)?|response|answer|completion|reply|"
    r"function_call|thought|llm_output|model_output)$|^_*parse$"
)
EXECUTE_NAME = re.compile(
    r"(^|[._])(a?(execute|run|call|invoke|dispatch|perform|handle)_?(_?(tool|action|command|code|function|bash|shell|cmd))?"
    r"(_call)?s?)$"
)
# `while graph.tick():` makes one step of a machine and then runs the tasks that are due.
STEP_VERB = re.compile(r"^_*a?(tick|step|next_step|advance|superstep|run_step)$")
SCHEDULED = re.compile(r"^(tasks?|nodes?|actions?|tools?|tool_calls|pending|ready)$")
TOOL_NAME = re.compile(r"tool|action|function_call|command", re.IGNORECASE)
VERIFIER_NAME = re.compile(
    r"^_*(verify|validate|is_valid|check|assert|run_tests?|grade|judge|evaluate|verify_\w+|validate_\w+|is_valid_\w+|"
    r"check_\w+|grade_\w+|judge_\w+|run_checks?|run_tests?_\w+|"
    r"(evaluate|score)_(result|answer|output|response|solution|submission|patch|run|task|agent|correctness|prediction)s?)$"
)
APPROVAL_NAME = re.compile(
    r"^_*(async_)?(ask|request|require|get|await|wait|wait_for|check|needs?|apply|call|obtain|seek|prompt_for|should_ask|"
    r"function_needs|tool_needs|has|run|evaluate|resolve)_(\w+_)?"
    r"(approval|approver|permission|confirmation|consent|authori[sz]ation)(_\w+)?$"
    r"|^_*(approve|confirm|authori[sz]e)(_(?!\w*error)\w+)?$"
    r"|^_*is_(\w+_)?(approved|authori[sz]ed|allowed|permitted)(?!\w*error)"
    r"|(^|_)(ask_user|ask_human|human_input|allow_action|policy_check|permission_check)$"
)
SUBMIT_NAME = re.compile(
    r"^_*(submit|submission|final_answer|finish|finish_task|has_finished|check_finished|complete_task|hand_in|task_done|"
    r"attempt_completion|provide_final_answer|extract_(patch|submission|final_answer|prediction)|"
    r"submit_(answer|patch|result|solution|task|final\w*|flag|code|report)|"
    r"(save|write|finali[sz]e|make|get|build)_(answer|submission|patch|prediction|predictions|final_answer|result))$"
)
SUBMIT_TYPE = re.compile(
    r"(Submitted|Submit|Submission|Finished|TaskComplete|TaskDone|FinalAnswer|Completed)(Exception|Error)?$"
)
CONFIG_NAME = re.compile(
    r"(^|[._])(\w*config\w*|cfg|conf|\w*settings|options|opts|preferences|profile)(\[\]|\(\))*$", re.IGNORECASE
)
SECRET_NAME = re.compile(
    r"(api_?key|secret|(?<!tik)token(?!s|ize|_count|_limit|_budget)|passw(or)?d|credential|private_key)", re.IGNORECASE
)
HOOK_NAME = re.compile(r"(^|[._])(hooks?|callbacks?|listeners?|observers?)([._]|$)|(^|\.)on_[a-z_]+$|_(hook|callback)$")
_HOOK_WORD = re.compile(r"(hook|callback|listener|observer)s?$", re.IGNORECASE)


def hook_word(name: str) -> str:
    """Which of the words for hooks a name ends in (`hook` for `post_hooks`), empty for other names."""
    found = _HOOK_WORD.search(name)
    return found.group(1).lower() if found else ""


LOG_METHODS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "warn": "warning",
    "error": "error",
    "exception": "error",
    "critical": "critical",
    "fatal": "critical",
    "log": "info",
}
LOGGER_RECEIVER = re.compile(
    r"(^|[._])(_?log|_?logger|logging|LOG|LOGGER|console|warnings|tracer|span|structlog|loguru)(\(\))?$"
)
RETRYABLE_SLEEP = frozenset(("time.sleep", "asyncio.sleep", "anyio.sleep", "trio.sleep"))
DESTRUCTIVE_NAME = re.compile(
    r"(^|_)(delete|remove|drop|destroy|purge|wipe|kill|terminate|shutdown|cancel|refund|pay|transfer|purchase|buy|"
    r"send|publish|deploy|push|merge|overwrite|truncate_table|reset|revoke|uninstall)(_|$)"
)
DESTRUCTIVE_CALLS = words(
    """
    os.remove os.unlink os.rmdir os.removedirs shutil.rmtree os.kill os.killpg os.system os.popen eval
    exec
    """
)

MEMORY_WRITES = words(
    "add append create delete forget index ingest insert memorize note persist put record remember save set store "
    "update upsert write"
)
MEMORY_READS = words("fetch find get list load lookup match query read recall relevant retrieve search similar")
_NAME_WORDS = re.compile(r"[a-z]+|[A-Z][a-z]*")


def name_words(name: str) -> list[str]:
    """The words of a name in snake or camel case, in lower case."""
    return [word.lower() for word in _NAME_WORDS.findall(name)]
