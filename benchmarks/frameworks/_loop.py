"""A small harness over the openai client, for scenarios that differ in who watches it."""

import json

from _model import KEY, TASK, report, scripted
from openai import OpenAI


def weather(city):
    """The weather in a city."""
    return report(city)


TOOLS = {"weather": weather}
SCHEMA = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]


def run(task, client):
    """The agent."""
    messages = [{"role": "user", "content": task}]
    for _ in range(10):
        answer = client.chat.completions.create(model="scripted", messages=messages, tools=SCHEMA)
        message = answer.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content
        for call in message.tool_calls:
            try:
                result = TOOLS[call.function.name](**json.loads(call.function.arguments))
            except Exception as error:
                result = f"error: {error}"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return None


def play():
    """Run it once."""
    with scripted() as url, OpenAI(base_url=url, api_key=KEY) as client:
        print(run(TASK, client))
