"""`python smolagents_.py TASK`: smolagents' two agents with a scripted model."""

import sys

from smolagents import CodeAgent, ToolCallingAgent, tool
from smolagents.models import ChatMessage, ChatMessageToolCall, ChatMessageToolCallFunction, MessageRole, Model
from smolagents.monitoring import LogLevel, TokenUsage


class Scripted(Model):
    def __init__(self, turns):
        super().__init__(model_id="scripted")
        self.turns, self.sent = list(turns), 0

    def generate(self, messages, stop_sequences=None, response_format=None, tools_to_call_from=None, **kwargs):
        self.sent += 1
        shown = str(messages[-1].content)
        turn = self.turns.pop(0) if self.turns else ("final_answer", {"answer": "I do not know."})
        wanted = None
        if len(turn) == 3:
            *turn, wanted = turn
        if wanted is not None and wanted not in shown:
            turn = ("final_answer", {"answer": f"not told: {wanted}"})
        name, arguments = turn
        usage = TokenUsage(input_tokens=10, output_tokens=5)
        if name == "say":
            return ChatMessage(role=MessageRole.ASSISTANT, content=arguments, token_usage=usage)
        function = ChatMessageToolCallFunction(name=name, arguments=arguments)
        calls = [ChatMessageToolCall(id=f"call_{self.sent}", type="function", function=function)]
        return ChatMessage(role=MessageRole.ASSISTANT, content=None, tool_calls=calls, token_usage=usage)


@tool
def look(key: str) -> str:
    """Look a key up.

    Args:
        key: the key
    """
    if key == "boom":
        raise RuntimeError("disk quota on sdb1")
    return f"value of {key}"


def code(text):
    return "say", f"Thought: go on\n<code>\n{text}\n</code>"


def done(answer, wanted=None):
    return "final_answer", {"answer": answer}, wanted


CALLS = {
    "look": [("look", {"key": "a"}), done("42", "value of a")],
    "text-call": [("say", 'Action:\n{"name": "look", "arguments": {"key": "a"'), done("42", "rror")],
    "missing": [("look", {}), done("42", "key")],
    "raises": [("look", {"key": "boom"}), done("42", "disk quota")],
    "unknown": [("lok", {"key": "a"}), done("42", "lok")],
    "wrong-type": [("look", {"key": 3}), done("42")],
}
CODES = {
    "code": [code("x = look(key='a')\nprint(x)"), ("say", code("final_answer('42')")[1], "value of a")],
    "no-code": [("say", "I think it is 42"), ("say", code("final_answer('42')")[1], "rror")],
    "syntax": [code("x = ("), ("say", code("final_answer('42')")[1], "yntax")],
    "code-raises": [code("look(key='boom')"), ("say", code("final_answer('42')")[1], "disk quota")],
    "code-unknown": [code("lok(key='a')"), ("say", code("final_answer('42')")[1], "lok")],
    "forbidden": [code("import os"), ("say", code("final_answer('42')")[1], "mport")],
    "endless": [code("while True: pass"), ("say", code("final_answer('42')")[1], "xceeded")],
    "much": [code("print('x' * 90000)"), ("say", code("final_answer('42')")[1], "truncated")],
}
LOOP = {"loop": [("look", {"key": "a"})] * 9}
TASKS = {**CALLS, **CODES, **LOOP}


def main(task):
    kind = CodeAgent if task in CODES else ToolCallingAgent
    agent = kind(tools=[look], model=Scripted(TASKS[task]), verbosity_level=LogLevel.OFF, max_steps=4)
    answer = agent.run("find the value")
    print(repr(answer))
    return 0 if str(answer) == "42" or (task == "loop" and len(agent.memory.steps) <= 6) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
