"""tau-bench: the tool-calling agent in the retail domain.

Agent and user are both played by the script. Its source is no package: `docs/frameworks.md` says where it goes.
"""

HARNESS = "tau_bench"
ENVIRONMENT = "tau-bench"
PACKAGES = ("litellm", "mistralai", "anthropic", "google-generativeai", "termcolor")
MARKS = {"arguments": "#W2378156", "result": "delivered", "exception": ("", "")}

import os

os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", OPENAI_API_KEY="none")
from _model import instrument, scripted

TURNS = (
    "I want to return an order",  # the user, when the environment is made and again when it is reset
    "I want to return an order",
    ("get_order_details", {"order_id": "#W2378156"}),
    ("get_order_details", {"id": "#W2378156"}),
    "Anything else?",
    "###STOP###",  # the user
)

if __name__ == "__main__":
    instrument("openinference.instrumentation.litellm", "LiteLLMInstrumentor")
    with scripted(TURNS) as url:
        os.environ["OPENAI_API_BASE"] = os.environ["OPENAI_BASE_URL"] = url
        from tau_bench.agents.tool_calling_agent import ToolCallingAgent
        from tau_bench.envs import get_env

        env = get_env(
            "retail",
            user_strategy="llm",
            user_model="scripted",
            user_provider="openai",
            task_split="test",
            task_index=0,
        )
        agent = ToolCallingAgent(tools_info=env.tools_info, wiki=env.wiki, model="scripted", provider="openai")
        print(agent.solve(env=env, task_index=0, max_num_steps=6).reward)
