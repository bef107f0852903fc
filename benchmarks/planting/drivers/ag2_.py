"""`python ag2_.py TASK`: two AG2 agents in conversation, on a scripted provider."""

import sys

from autogen import ConversableAgent
from provider import call, find, say, serve


def look(key: str) -> str:
    """Look a key up."""
    if key == "boom":
        raise RuntimeError("disk quota on sdb1")
    return f"value of {key}"


END = say("42 TERMINATE")
TASKS = {
    "look": [find({"key": "a"}), {**END, "when": "value of a"}],
    "malformed": [find('{"key": "a"'), {**END, "when": "rror|nvalid|parse"}],
    "wrong-type": [find({"key": {"a": 1}}), {**END, "when": "rror|valid"}],
    "missing": [find({}), {**END, "when": "key"}],
    "no-object": [find("[1]"), END],
    "raises": [find({"key": "boom"}), {**END, "when": "disk quota"}],
    "unknown": [call("lok", {"key": "a"}), {**END, "when": "lok|not found"}],
    "two": [{"calls": [("look", '{"key": "a"}'), ("look", '{"key": "b"}')]}, {**END, "when": "value of b"}],
    "loop": [find({"key": "a"})] * 30,
    "talk": [say("hm"), say("hm"), END],
    "denied": [say("no such key", status=401)],
    "summary": [find({"key": "a"}), {**END, "when": "value of a"}, say("in short: 42")],
}
FAILS = {"denied", "no-object"}
MOST_MESSAGES = 8


def main(task):
    with serve(TASKS[task]) as url:
        config = {"model": "scripted", "base_url": url, "api_key": "none", "price": [0, 0], "max_retries": 0}
        helper = ConversableAgent("helper", "be good", llm_config={"config_list": [config], "cache_seed": None})
        user = ConversableAgent(
            "user",
            llm_config=False,
            human_input_mode="NEVER",
            max_consecutive_auto_reply=3,
            default_auto_reply="go on",
            is_termination_msg=lambda message: "TERMINATE" in (message.get("content") or ""),
        )
        helper.register_for_llm(description="look a key up")(look)
        user.register_for_execution()(look)
        method = "reflection_with_llm" if task == "summary" else "last_msg"
        try:
            chat = user.initiate_chat(helper, message="find the value", max_turns=6, summary_method=method, silent=True)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
            return 0 if task in FAILS else 1
    print(repr(chat.summary), len(chat.chat_history))
    if task == "loop":
        return 0 if len(chat.chat_history) == MOST_MESSAGES else 1
    return 0 if "42" in str(chat.summary) and task not in FAILS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
